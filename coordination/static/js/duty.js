/* The duty officer's pages: the place box with suggestions, ticks that survive the live page, the remembered tab.
   Nothing here is needed to finish a job: without it the box is resolved by the server. */
(function () {
  "use strict";
  var doc = document;

  /* the place box: a combobox after the ARIA pattern */
  doc.querySelectorAll("[data-combo]").forEach(function (combo) {
    var input = combo.querySelector("input[type=text]"), key = combo.querySelector("input[type=hidden]"), list = combo.querySelector("[data-combo-list]");
    var timer, asked = 0, chosen = key.value ? input.value : null;
    input.setAttribute("role", "combobox");
    input.setAttribute("aria-autocomplete", "list");
    input.setAttribute("aria-expanded", "false");
    input.setAttribute("aria-controls", "place-list");
    function options() { return Array.from(list.querySelectorAll("[role=option]")); }
    function current() { return options().findIndex(function (one) { return one.getAttribute("aria-selected") === "true"; }); }
    function open(on) { list.hidden = !on; input.setAttribute("aria-expanded", String(on)); if (!on) input.removeAttribute("aria-activedescendant"); }
    function mark(at) {
      var all = options();
      all.forEach(function (one, n) { one.setAttribute("aria-selected", String(n === at)); });
      if (all[at]) { input.setAttribute("aria-activedescendant", all[at].id); all[at].scrollIntoView({ block: "nearest" }); }
    }
    function take(option) {
      input.value = chosen = option.dataset.label;
      key.value = option.dataset.key;
      open(false);
      tell();
    }
    function tell() {
      var choices = input.form.querySelector(".choicebox");
      if (choices) choices.remove();
      input.form.dispatchEvent(new CustomEvent("place-chosen", { bubbles: true }));
    }
    function look() {
      var typed = input.value.trim(), mine = ++asked;
      if (typed.length < 2) { open(false); return; }
      fetch(combo.dataset.suggest + "?q=" + encodeURIComponent(typed), { credentials: "same-origin", headers: { Accept: "text/html" } })
        .then(function (answer) { return answer.ok ? answer.text() : ""; })
        .then(function (html) {
          if (mine !== asked || doc.activeElement !== input) return;
          // Our own server's fragment, escaped there.
          list.innerHTML = html;
          open(Boolean(html.trim()));
          if (options().length) mark(0);
        }).catch(function () { open(false); });
    }
    input.addEventListener("input", function () {
      if (input.value !== chosen) key.value = "";
      clearTimeout(timer);
      timer = setTimeout(look, 120);
    });
    input.addEventListener("keydown", function (event) {
      if (event.isComposing) return;
      var all = options(), at = current();
      if (event.key === "ArrowDown" || event.key === "ArrowUp") {
        if (list.hidden) { look(); return; }
        event.preventDefault();
        mark((at + (event.key === "ArrowDown" ? 1 : all.length - 1)) % all.length);
      } else if (event.key === "Enter" && !event.ctrlKey && !event.shiftKey) {
        event.preventDefault();
        if (!list.hidden && all[at]) take(all[at]);
        var next = doc.querySelector("input[name=kind]:checked") || doc.querySelector("input[name=kind]");
        if (next) next.focus();
      } else if (event.key === "Escape") { clearTimeout(timer); asked++; if (!list.hidden) event.preventDefault(); open(false); }
    });
    list.addEventListener("mousedown", function (event) {
      var option = event.target.closest("[role=option]");
      if (option) { event.preventDefault(); take(option); }
    });
    input.addEventListener("blur", function () { setTimeout(function () { open(false); }, 150); });
  });

  /* the tab that is open is what the next refresh opens again */
  doc.addEventListener("click", function (event) {
    var tab = event.target.closest("[data-tab]");
    if (!tab) return;
    event.preventDefault();
    var form = tab.closest("form");
    if (form && form.elements.tab) form.elements.tab.value = tab.dataset.tab;
    doc.querySelectorAll("[data-for-tab]").forEach(function (one) { one.hidden = one.dataset.forTab !== tab.dataset.tab; });
  });

  /* what went well need not stay on the screen; what did not stays until it is clicked away */
  doc.querySelectorAll("#messages .toast").forEach(function (toast) {
    toast.addEventListener("click", function () { toast.remove(); });
    if (toast.classList.contains("success")) setTimeout(function () { toast.remove(); }, 8000);
  });

  /* Enter in a text field of the intake goes on to the next field instead of sending a half-filled form */
  doc.addEventListener("keydown", function (event) {
    var form = event.target.closest && event.target.closest("#intake");
    if (!form || event.key !== "Enter" || event.defaultPrevented || event.ctrlKey || event.shiftKey || event.isComposing) return;
    if (!event.target.matches("input")) return;
    event.preventDefault();
    var fields = Array.from(form.querySelectorAll("input:not([type=hidden]), textarea, select")).filter(function (one) {
      return one.getClientRects().length && !one.disabled && (one.type !== "radio" || one.checked || one === event.target);
    });
    var next = fields[fields.indexOf(event.target) + 1];
    if (next) { next.focus(); if (next.select) next.select(); }
  });
})();
