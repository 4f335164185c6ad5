/* Comfort for the answer page; it answers without this. Counts down with the server's clock, says once that the page
   was really looked at (a POST, so a link preview cannot), takes only the first of two taps, opens 更改 when asked. */
(function () {
  "use strict";
  var body = document.body, ahead = Date.parse(body.dataset.serverNow) - Date.now() || 0;

  var clock = document.querySelector("[data-deadline]");
  if (clock) {
    var until = Date.parse(clock.dataset.deadline), place = clock.querySelector("[data-left]");
    place.parentNode.hidden = false;
    var tick = function () {
      var left = Math.max(0, Math.floor((until - Date.now() - ahead) / 1000)), h = Math.floor(left / 3600), m = Math.floor(left / 60) % 60, s = left % 60;
      place.textContent = left ? (h ? h + ":" : "") + ("0" + m).slice(-2) + ":" + ("0" + s).slice(-2) : clock.dataset.over;
      clock.classList.toggle("over", !left);
      if (left) setTimeout(tick, 1000);
    };
    tick();
  }

  var seen = body.dataset.seenUrl;
  function look() {
    if (!seen || document.visibilityState !== "visible") return;
    fetch(seen, { method: "POST", keepalive: true }).catch(function () {});
    seen = "";
  }
  look();
  document.addEventListener("visibilitychange", look);

  var sent = false;
  document.addEventListener("submit", function (event) {
    if (sent) { event.preventDefault(); return; }
    sent = true;
    // Not `disabled`: a disabled button would drop its own name and value from the form being sent.
    document.querySelectorAll("button").forEach(function (button) { button.setAttribute("aria-disabled", "true"); });
    setTimeout(function () { sent = false; document.querySelectorAll("button").forEach(function (button) { button.removeAttribute("aria-disabled"); }); }, 8000);
  });
  window.addEventListener("pageshow", function (event) { if (event.persisted) location.reload(); });

  function opened() {
    var box = location.hash.length > 1 && document.querySelector(location.hash);
    if (box && box.tagName === "DETAILS") { box.open = true; box.scrollIntoView({ block: "end" }); }
  }
  window.addEventListener("hashchange", opened);
  opened();
})();
