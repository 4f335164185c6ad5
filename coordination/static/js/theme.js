/* Runs before the first paint, so that a chosen theme does not flash. */
(function () {
  "use strict";
  try {
    var theme = localStorage.getItem("theme");
    if (theme === "dark" || theme === "light") document.documentElement.setAttribute("data-theme", theme);
  } catch (e) { /* storage may be forbidden; the system setting then decides */ }
})();
