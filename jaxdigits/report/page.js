"use strict";
(function () {
  var boxes = document.querySelectorAll("#mistakes details");
  var cells = document.querySelectorAll(".confusion a");
  function open() {
    var chosen = document.getElementById(location.hash.slice(1));
    if (!chosen || chosen.tagName !== "DETAILS") return;
    boxes.forEach(function (box) { box.open = box === chosen; });
    cells.forEach(function (cell) {
      if (cell.hash === location.hash) cell.setAttribute("aria-current", "true");
      else cell.removeAttribute("aria-current");
    });
    chosen.querySelector("summary").focus();
    chosen.scrollIntoView({ block: "nearest" });
  }
  window.addEventListener("hashchange", open);
  cells.forEach(function (cell) { cell.addEventListener("click", function () { setTimeout(open); }); });
  open();
})();
