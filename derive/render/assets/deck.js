// Moves through the slides; the page is complete without it. Nothing is fetched and no markup is made here.
(function () {
  "use strict";
  var root = document.documentElement;
  var slides = Array.prototype.slice.call(document.querySelectorAll(".slide"));
  var at = 0;
  var shown = 0;

  function fragments(slide) {
    return Array.prototype.slice.call(slide.querySelectorAll(".frag"));
  }

  function paint() {
    slides.forEach(function (slide, i) {
      slide.classList.toggle("current", i === at);
    });
    fragments(slides[at]).forEach(function (fragment, i) {
      fragment.classList.toggle("on", i < shown);
    });
    try {
      history.replaceState(null, "", "#" + (at + 1));
    } catch (e) {
      // a page without an address of its own: the place is not kept
    }
  }

  function go(to, all) {
    at = Math.max(0, Math.min(slides.length - 1, to));
    shown = all ? fragments(slides[at]).length : 0;
    paint();
  }

  function next() {
    if (shown < fragments(slides[at]).length) {
      shown += 1;
      paint();
    } else if (at < slides.length - 1) {
      go(at + 1, false);
    }
  }

  function back() {
    if (shown > 0) {
      shown -= 1;
      paint();
    } else if (at > 0) {
      go(at - 1, true);
    }
  }

  function language(lang) {
    var title = document.querySelector("title");
    root.lang = lang;
    document.title = title.getAttribute("data-" + lang) || document.title;
  }

  function handout() {
    root.classList.toggle("handout");
    slides[at].scrollIntoView();
  }

  var keys = {
    ArrowRight: next, ArrowDown: next, PageDown: next, " ": next, Enter: next,
    ArrowLeft: back, ArrowUp: back, PageUp: back, Backspace: back,
    Home: function () { go(0, false); },
    End: function () { go(slides.length - 1, true); },
    l: function () { language(root.lang === "ko" ? "en" : "ko"); },
    h: handout,
    n: function () { root.classList.toggle("shownotes"); }
  };

  document.addEventListener("keydown", function (event) {
    var key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    var moves = key.length > 1 || key === " ";
    if (event.ctrlKey || event.metaKey || event.altKey || !keys.hasOwnProperty(key)) { return; }
    if (moves && (root.classList.contains("handout") || event.target.closest("a, button"))) { return; }
    if (key === " " && event.shiftKey) { back(); } else { keys[key](); }
    event.preventDefault();
  });

  document.querySelectorAll("nav button").forEach(function (button) {
    button.addEventListener("click", function () {
      (button.value === "next" ? next : back)();
      button.blur();
    });
  });

  var touch = null;
  document.addEventListener("touchstart", function (event) { touch = event.changedTouches[0]; }, { passive: true });
  document.addEventListener("touchend", function (event) {
    var moved = touch ? event.changedTouches[0].clientX - touch.clientX : 0;
    if (Math.abs(moved) > 60 && !event.target.closest(".term, .formula, pre")) { (moved < 0 ? next : back)(); }
    touch = null;
  }, { passive: true });

  function fromAddress() {
    var number = parseInt(location.hash.slice(1), 10);
    if (number && number !== at + 1) { go(number - 1, false); }
  }

  window.addEventListener("hashchange", fromAddress);
  var asked = new URLSearchParams(location.search);
  if (asked.has("handout")) { root.classList.add("handout"); }
  if (asked.get("lang") === "ko" || asked.get("lang") === "en") { language(asked.get("lang")); }
  root.classList.add("js");
  go((parseInt(location.hash.slice(1), 10) || 1) - 1, asked.has("all"));
})();
