/* The schematic map: an outline and numbered marks, no tiles, so it works without a network.

   Filled from a json_script block, see coordination/ui/_map.html for the shape of a feature. A row with the same
   data-pin as a mark lights it up on hover and focus, and the mark the row. Marks are reached with Tab. The map can
   be built again after a swap, and is when its features have changed: it listens for htmx:afterSettle. Leaflet positions through the CSSOM, which a strict
   content security policy allows; looks come from classes in app.css only. */
(function () {
  "use strict";
  if (!window.L) return;
  var outlines = {};
  var letter = { incident: "i", team: "t", expert: "e", site: "s" };

  function lines(text, strong) {
    // Text nodes only: names come from people and must never become markup.
    var box = document.createElement("div"), first = document.createElement(strong ? "b" : "span");
    first.textContent = text[0];
    box.appendChild(first);
    if (text[1]) { box.appendChild(document.createElement("br")); box.appendChild(document.createTextNode(text[1])); }
    return box;
  }

  function icon(feature) {
    var mark = document.createElement("div");
    mark.className = "m";
    mark.textContent = feature.kind === "incident" ? "" : feature.mark || "";
    return L.divIcon({ className: "mk " + (letter[feature.kind] || "e"), html: mark, iconSize: [22, 22], iconAnchor: [11, 11] });
  }

  function outline(map, url, draw) {
    function add(geojson) {
      L.geoJSON(geojson, {
        interactive: false,
        style: function () { return { className: "outline" }; },
        onEachFeature: function (area, layer) {
          var centre = area.properties && area.properties.center;
          if (centre) L.tooltip({ permanent: true, pane: "labels", direction: "center", className: "place-name", interactive: false })
            .setLatLng([centre[1], centre[0]]).setContent(lines([area.properties.name])).addTo(map);
        }
      }).addTo(map).bringToBack();
      draw(L.geoJSON(geojson).getBounds());
    }
    if (outlines[url]) return add(outlines[url]);
    fetch(url).then(function (answer) { return answer.json(); }).then(function (geojson) { outlines[url] = geojson; if (map.getPane("labels")) add(geojson); }).catch(function () { draw(null); });
  }

  function light(pin, on) {
    document.querySelectorAll('[data-pin="' + CSS.escape(pin) + '"]').forEach(function (row) { row.classList.toggle("lit", on); });
    document.querySelectorAll("[data-map]").forEach(function (canvas) {
      var known = canvas.musterMarks && canvas.musterMarks[pin];
      if (!known) return;
      known.marker.getElement().classList.toggle("lit", on);
      known.marker.setZIndexOffset(on ? 1000 : 0);
      if (known.route && known.route.getElement()) known.route.getElement().classList.toggle("lit", on);
    });
  }

  function build(canvas) {
    var source = document.getElementById(canvas.dataset.features), features, text = source ? source.textContent : "";
    if (canvas.musterMap && canvas.musterText === text) return;
    if (canvas.musterMap) { if (canvas.musterObserver) canvas.musterObserver.disconnect(); canvas.musterMap.remove(); }
    canvas.musterText = text;
    try { features = source ? JSON.parse(source.textContent) : []; } catch (e) { features = []; }
    canvas.textContent = "";
    var still = matchMedia("(prefers-reduced-motion: reduce)").matches;
    var map = L.map(canvas, { attributionControl: false, zoomControl: false, scrollWheelZoom: false, zoomSnap: 0.25, minZoom: 5, maxZoom: 14, zoomAnimation: !still, fadeAnimation: !still, markerZoomAnimation: !still });
    canvas.musterMap = map;
    L.control.zoom({ position: "topright", zoomInTitle: canvas.dataset.zoomIn, zoomOutTitle: canvas.dataset.zoomOut, zoomInText: "＋", zoomOutText: "－" }).addTo(map);
    L.control.scale({ imperial: false, position: "bottomright" });
    features = features.filter(function (f) { return typeof f.lat === "number" && typeof f.lon === "number"; });
    var marks = canvas.musterMarks = {}, incident = features.find(function (f) { return f.kind === "incident"; });
    var near = features.filter(function (f) { return !f.far; }).map(function (f) { return [f.lat, f.lon]; });
    function frame(bounds) {
      if (near.length > 1) map.fitBounds(L.latLngBounds(near), { padding: [48, 40], maxZoom: 10.5, animate: false });
      else if (near.length) map.setView(near[0], 9, { animate: false });
      else if (bounds && bounds.isValid()) map.fitBounds(bounds, { padding: [8, 8], animate: false });
      else map.setView([38.6, 116.2], 6.5, { animate: false });
    }
    map.on("zoomend", function () { canvas.classList.toggle("far", map.getZoom() < 6.25); });
    // Labels lie under the marks: a name may be covered, a person or a team may not.
    map.createPane("labels").style.zIndex = 590;
    // The view comes first: Leaflet makes a mark's element only once it knows where the mark lies.
    frame(null);

    if (incident && canvas.dataset.rings) canvas.dataset.rings.split(",").forEach(function (km) {
      L.circle([incident.lat, incident.lon], { radius: km * 1000, className: "ring", interactive: false }).addTo(map);
    });
    features.forEach(function (feature) {
      var at = [feature.lat, feature.lon], known = {};
      if (feature.route && incident) known.route = L.polyline([at, [incident.lat, incident.lon]], { className: "route " + letter[feature.kind], interactive: false }).addTo(map);
      var name = [feature.mark ? feature.mark + " " + feature.label : feature.label, feature.line];
      var marker = known.marker = L.marker(at, { icon: icon(feature), keyboard: true, alt: name.filter(Boolean).join("，"), riseOnHover: true, zIndexOffset: feature.kind === "incident" ? 500 : 0 }).addTo(map);
      var element = marker.getElement();
      element.setAttribute("aria-label", name.filter(Boolean).join("，"));
      if (feature.eta) marker.bindTooltip(lines([feature.eta], true), { permanent: true, pane: "labels", direction: feature.lon < (incident ? incident.lon : feature.lon) ? "left" : "right", offset: [feature.lon < (incident ? incident.lon : feature.lon) ? -6 : 6, 0], className: "eta" });
      else marker.bindTooltip(lines(name, true), { direction: "top", offset: [0, -10] });
      if (!feature.pin) return;
      marks[feature.pin] = known;
      ["mouseenter", "focus"].forEach(function (type) { element.addEventListener(type, function () { light(feature.pin, true); if (!feature.eta) marker.openTooltip(); }); });
      ["mouseleave", "blur"].forEach(function (type) { element.addEventListener(type, function () { light(feature.pin, false); if (!feature.eta) marker.closeTooltip(); }); });
      function open() {
        var row = document.querySelector('[data-row][data-pin="' + CSS.escape(feature.pin) + '"]');
        if (row) { row.focus(); row.scrollIntoView({ block: "nearest" }); }
      }
      marker.on("click", open);
      element.addEventListener("keydown", function (event) { if (event.key === "Enter") open(); });
    });
    outline(map, canvas.dataset.outline, function (bounds) { if (!near.length && canvas.musterMap === map) frame(bounds); });
    if ("ResizeObserver" in window) {
      canvas.musterObserver = new ResizeObserver(function () { map.invalidateSize({ animate: false }); });
      canvas.musterObserver.observe(canvas);
    }
    canvas.addEventListener("muster:focus", function () { if (canvas.musterMap === map) frame(null); });
  }

  function pinned(event, on) {
    var row = event.target.closest && event.target.closest("[data-pin]");
    if (row && !row.closest("[data-map]")) light(row.dataset.pin, on);
  }
  document.addEventListener("mouseover", function (event) { pinned(event, true); });
  document.addEventListener("mouseout", function (event) { pinned(event, false); });
  document.addEventListener("focusin", function (event) { pinned(event, true); });
  document.addEventListener("focusout", function (event) { pinned(event, false); });
  function all(root) { root.querySelectorAll("[data-map]").forEach(build); }
  document.addEventListener("htmx:afterSettle", function () { all(document); });
  all(document);
})();
