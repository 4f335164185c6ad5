/* Clocks that run on: <time data-clock>, <time data-elapsed-since="ISO">, <time data-countdown-to="ISO">.
   All of them use the server's clock: <meta name="server-now"> tells how far this computer's clock is off.
   A countdown gets .late below data-late seconds (default 120) and, when over, .over and data-over-word. */
(function () {
  "use strict";
  var meta = document.querySelector('meta[name="server-now"]');
  var ahead = meta ? Date.parse(meta.content) - Date.now() : 0;
  function two(n) { return (n < 10 ? "0" : "") + n; }
  function span(ms) {
    var s = Math.max(0, Math.floor(ms / 1000)), h = Math.floor(s / 3600), m = Math.floor(s / 60) % 60;
    return (h ? h + ":" : "") + two(m) + ":" + two(s % 60);
  }
  function set(element, text) { if (element.textContent !== text) element.textContent = text; }
  function tick() {
    var now = Date.now() + ahead, here = new Date(now + 8 * 3600000);
    document.querySelectorAll("[data-clock]").forEach(function (element) {
      // Asia/Shanghai has no summer time, so its clock is UTC plus eight hours wherever the browser stands.
      set(element, two(here.getUTCHours()) + ":" + two(here.getUTCMinutes()) + ":" + two(here.getUTCSeconds()));
    });
    document.querySelectorAll("[data-elapsed-since]").forEach(function (element) {
      set(element, span(now - Date.parse(element.dataset.elapsedSince)));
    });
    document.querySelectorAll("[data-countdown-to]").forEach(function (element) {
      var left = Date.parse(element.dataset.countdownTo) - now;
      element.classList.toggle("late", left > 0 && left < 1000 * (element.dataset.late || 120));
      element.classList.toggle("over", left <= 0);
      set(element, left <= 0 && element.dataset.overWord ? element.dataset.overWord : span(left));
    });
  }
  window.musterClock = { now: function () { return Date.now() + ahead; }, sync: function (iso) { var at = Date.parse(iso); if (at) ahead = at - Date.now(); } };
  tick();
  setInterval(tick, 1000);
  // A region that was just swapped in shows the server's words; it must not wait for the next second.
  document.addEventListener("htmx:afterSettle", tick);
})();
