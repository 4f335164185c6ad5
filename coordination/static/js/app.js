/* What every page shares: theme, account menu, CSRF for htmx, single-key commands, rows, steppers, error focus.
   Nothing here is needed to finish a job; without it the page is links and forms.

   data-hotkey="N" | "G H" | "Ctrl+Enter"   presses the button or link, or focuses the field (Ctrl+… also works inside fields)
   data-rows > data-row                     J/K move, X ticks the row's checkbox, Enter opens data-href or the first link
   data-pick-all="name"                     ticks every checkbox of that name; data-picked shows how many are ticked
   data-stepper                             − and + buttons (data-step="-1|1") around a number input
   data-autosubmit                          a select or checkbox that submits its form when changed
   data-confirm="…"                         asks before submitting; only for 升级, 关闭 and the like
   data-tabs                                role=tab buttons with aria-controls */
(function () {
  "use strict";
  var doc = document, words = (doc.querySelector("[data-hotkeys-words]") || { dataset: {} }).dataset;

  function stored(key, value) {
    try {
      if (value === undefined) return localStorage.getItem(key);
      localStorage.setItem(key, value);
    } catch (e) { return null; }
  }

  /* theme */
  function isDark() {
    var chosen = doc.documentElement.getAttribute("data-theme");
    return chosen ? chosen === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  }
  function nameThemes() {
    doc.querySelectorAll("[data-theme-toggle]").forEach(function (button) {
      button.hidden = false;
      button.querySelector("[data-theme-word]").textContent = isDark() ? button.dataset.wordLight : button.dataset.wordDark;
    });
  }
  doc.addEventListener("click", function (event) {
    var button = event.target.closest("[data-theme-toggle]");
    if (!button) return;
    var theme = isDark() ? "light" : "dark";
    doc.documentElement.setAttribute("data-theme", theme);
    stored("theme", theme);
    nameThemes();
  });
  nameThemes();

  /* menus close on Escape and on a click elsewhere */
  doc.addEventListener("click", function (event) {
    doc.querySelectorAll("details[data-menu][open]").forEach(function (menu) {
      if (!menu.contains(event.target)) menu.open = false;
    });
  });
  doc.addEventListener("keydown", function (event) {
    if (event.key !== "Escape") return;
    doc.querySelectorAll("details[data-menu][open]").forEach(function (menu) {
      menu.open = false;
      menu.querySelector("summary").focus();
    });
  });

  /* htmx: the CSRF token of the page; a failed request says so instead of doing nothing */
  doc.addEventListener("htmx:configRequest", function (event) {
    var meta = doc.querySelector('meta[name="csrf-token"]');
    var cookie = doc.cookie.match(/(?:^|; )csrftoken=([^;]+)/);
    var token = cookie ? decodeURIComponent(cookie[1]) : meta && meta.content;
    if (token && event.detail.verb !== "get") event.detail.headers["X-CSRFToken"] = token;
  });
  function say(text, level) {
    var area = doc.getElementById("messages");
    if (!area || !text) return;
    var toast = doc.createElement("div");
    toast.className = "toast " + (level || "info");
    toast.textContent = text;
    area.appendChild(toast);
    setTimeout(function () { toast.remove(); }, 10000);
  }
  ["htmx:responseError", "htmx:sendError", "htmx:timeout"].forEach(function (name) {
    doc.addEventListener(name, function (event) {
      if (!event.detail.elt || !event.detail.elt.hasAttribute("data-live-region")) say(words.busy, "error");
    });
  });

  /* the error summary takes the focus, and its links the field */
  function focusErrors(root) {
    var summary = root.querySelector("[data-error-summary]");
    if (!summary) return false;
    summary.focus();
    if (doc.title.indexOf("错误：") !== 0 && doc.documentElement.lang.indexOf("zh") === 0) doc.title = "错误：" + doc.title;
    return true;
  }
  focusErrors(doc);
  doc.addEventListener("htmx:afterSettle", function (event) { focusErrors(event.target); prepare(event.target); });
  doc.addEventListener("click", function (event) {
    var link = event.target.closest("[data-error-summary] a[href^='#']");
    var field = link && doc.getElementById(link.getAttribute("href").slice(1));
    if (!field) return;
    event.preventDefault();
    field.scrollIntoView({ block: "center" });
    field.focus();
  });

  /* small controls */
  doc.addEventListener("click", function (event) {
    var step = event.target.closest("[data-step]");
    if (!step) return;
    var input = step.closest("[data-stepper], .stepper").querySelector("input");
    if (Number(step.dataset.step) > 0) input.stepUp(); else input.stepDown();
    input.dispatchEvent(new Event("input", { bubbles: true }));
    input.dispatchEvent(new Event("change", { bubbles: true }));
  });
  function count(name) {
    var ticked = doc.querySelectorAll('input[type=checkbox][name="' + name + '"]:checked').length;
    doc.querySelectorAll('[data-picked="' + name + '"]').forEach(function (place) { place.textContent = ticked; });
    doc.querySelectorAll('[data-needs-picked="' + name + '"]').forEach(function (button) { button.disabled = ticked === 0; });
  }
  doc.addEventListener("change", function (event) {
    var box = event.target;
    if (box.matches("[data-pick-all]")) {
      doc.querySelectorAll('input[type=checkbox][name="' + box.dataset.pickAll + '"]:not(:disabled)').forEach(function (one) {
        one.checked = box.checked;
        mark(one);
      });
      count(box.dataset.pickAll);
    } else if (box.matches("input[type=checkbox][name]")) {
      mark(box);
      count(box.name);
    }
    if (box.matches("[data-autosubmit]")) box.form.requestSubmit ? box.form.requestSubmit() : box.form.submit();
  });
  function mark(box) {
    var row = box.closest("tr[data-row]");
    if (row && row.querySelector("td.pick")) row.classList.toggle("sel", box.checked);
  }
  doc.addEventListener("submit", function (event) {
    var asked = (event.submitter && event.submitter.dataset.confirm) || event.target.dataset.confirm;
    if (asked && !window.confirm(asked)) event.preventDefault();
  });
  doc.querySelectorAll("[data-fill-username]").forEach(function (button) {
    button.hidden = false;
    button.addEventListener("click", function () {
      var form = doc.querySelector("form input[name=username]").form;
      form.elements.username.value = button.dataset.fillUsername;
      form.elements.password.value = button.dataset.fillPassword;
      form.querySelector("[type=submit]").focus();
    });
  });
  doc.addEventListener("click", function (event) {
    var tab = event.target.closest("[data-tabs] [role=tab]");
    if (!tab) return;
    tab.closest("[data-tabs]").querySelectorAll("[role=tab]").forEach(function (other) {
      var on = other === tab, panel = doc.getElementById(other.getAttribute("aria-controls"));
      other.setAttribute("aria-selected", String(on));
      other.tabIndex = on ? 0 : -1;
      if (panel) panel.hidden = !on;
    });
  });
  doc.addEventListener("keydown", function (event) {
    var tab = event.target.closest && event.target.closest("[data-tabs] [role=tab]");
    if (!tab || (event.key !== "ArrowRight" && event.key !== "ArrowLeft")) return;
    var tabs = Array.from(tab.closest("[data-tabs]").querySelectorAll("[role=tab]"));
    var next = tabs[(tabs.indexOf(tab) + (event.key === "ArrowRight" ? 1 : tabs.length - 1)) % tabs.length];
    next.focus();
    next.click();
  });

  /* single keys; they are off in fields and can be switched off altogether (WCAG 2.1.4) */
  function typing(target) {
    return target.closest && target.closest("input:not([type=checkbox]):not([type=radio]):not([type=button]), textarea, select, [contenteditable=true]");
  }
  function shown(element) { return element.getClientRects().length > 0 && !element.disabled; }
  function press(element) {
    if (element.matches("input:not([type=checkbox]):not([type=radio]), textarea, select")) { element.focus(); if (element.select) element.select(); }
    else if (element.matches("input")) { element.focus(); element.click(); }
    else element.click();
  }
  function find(keys) {
    return Array.from(doc.querySelectorAll("[data-hotkey]")).find(function (element) {
      return element.dataset.hotkey.toUpperCase() === keys && shown(element);
    });
  }
  function rows() { return Array.from(doc.querySelectorAll("[data-rows] [data-row]")).filter(shown); }
  function move(by) {
    var all = rows(), at = all.findIndex(function (row) { return row.contains(doc.activeElement); });
    var row = all[at < 0 ? (by > 0 ? 0 : all.length - 1) : Math.min(all.length - 1, Math.max(0, at + by))];
    if (row) { row.focus(); row.scrollIntoView({ block: "nearest" }); }
    return Boolean(row);
  }
  var pending = "", forget;
  doc.addEventListener("keydown", function (event) {
    if (event.defaultPrevented || event.isComposing || event.altKey || event.metaKey) return;
    if (doc.querySelector("dialog[open]")) return;
    var key = event.key.length === 1 ? event.key.toUpperCase() : event.key;
    if (event.ctrlKey || (event.shiftKey && key === "Enter")) {
      var combined = find(((event.ctrlKey ? "Ctrl+" : "Shift+") + key).toUpperCase());
      if (combined) { event.preventDefault(); press(combined); }
      return;
    }
    if (typing(event.target) || stored("hotkeys") === "off") return;
    if (key === "?") { event.preventDefault(); help(); return; }
    var row = event.target.closest && event.target.closest("[data-row]");
    if (key === "J" || key === "K") { if (move(key === "J" ? 1 : -1)) event.preventDefault(); return; }
    if (row && key === "X") {
      var box = row.querySelector("input[type=checkbox]");
      if (box) { event.preventDefault(); box.click(); return; }
    }
    if (row && key === "Enter" && event.target === row) {
      var link = row.querySelector("a[href]");
      if (row.dataset.href || link) { event.preventDefault(); if (row.dataset.href) location.href = row.dataset.href; else link.click(); }
      return;
    }
    if (key.length !== 1) return;
    var target = (pending && find(pending + " " + key)) || find(key);
    clearTimeout(forget);
    if (target) { pending = ""; event.preventDefault(); press(target); return; }
    pending = key;
    forget = setTimeout(function () { pending = ""; }, 1200);
  });

  function prepare(root) {
    (root.querySelectorAll ? root : doc).querySelectorAll("[data-hotkey]").forEach(function (element) {
      element.setAttribute("aria-keyshortcuts", element.dataset.hotkey.replace(/ /g, " ").replace("Ctrl", "Control"));
    });
    (root.querySelectorAll ? root : doc).querySelectorAll("[data-row]").forEach(function (row) {
      if (!row.hasAttribute("tabindex")) row.tabIndex = -1;
    });
    doc.querySelectorAll("[data-picked]").forEach(function (place) { count(place.dataset.picked); });
  }
  prepare(doc);

  function help() {
    var old = doc.getElementById("hotkeys");
    if (old) old.remove();
    var dialog = doc.createElement("dialog"), list = doc.createElement("dl"), heading = doc.createElement("h2");
    if (!dialog.showModal) return;
    dialog.id = "hotkeys";
    heading.id = "hotkeys-title";
    heading.textContent = words.title;
    dialog.setAttribute("aria-labelledby", heading.id);
    list.className = "keylist";
    function line(keys, what) {
      var dt = doc.createElement("dt"), dd = doc.createElement("dd");
      keys.split(" ").forEach(function (key) { var kbd = doc.createElement("kbd"); kbd.textContent = key.length === 1 ? key.toUpperCase() : key; dt.appendChild(kbd); });
      dd.textContent = what;
      list.append(dt, dd);
    }
    if (rows().length) { line("J K", words.rows); line("X", words.pick); line("Enter", words.open); }
    Array.from(doc.querySelectorAll("[data-hotkey]")).filter(shown).forEach(function (element) {
      var copy = element.cloneNode(true);
      copy.querySelectorAll("kbd, svg").forEach(function (part) { part.remove(); });
      var label = element.labels && element.labels[0];
      line(element.dataset.hotkey, element.getAttribute("aria-label") || copy.textContent.trim() || (label && label.textContent.trim()) || element.placeholder || "");
    });
    line("?", words.help);
    var choice = doc.createElement("label"), box = doc.createElement("input"), close = doc.createElement("button");
    choice.className = "inline";
    box.type = "checkbox";
    box.checked = stored("hotkeys") !== "off";
    box.addEventListener("change", function () { stored("hotkeys", box.checked ? "on" : "off"); });
    choice.append(box, doc.createTextNode(words.switch));
    close.className = "btn p";
    close.type = "button";
    close.textContent = words.close;
    close.addEventListener("click", function () { dialog.close(); });
    dialog.append(heading, list, choice, doc.createElement("hr"), close);
    dialog.addEventListener("close", function () { dialog.remove(); });
    doc.body.appendChild(dialog);
    dialog.showModal();
  }
  doc.querySelectorAll("[data-hotkeys-help]").forEach(function (button) {
    button.hidden = false;
    button.addEventListener("click", help);
  });

  window.muster = { say: say, words: words };
})();
