// A formula wider than its column scrolls, and what scrolls must be within the keyboard's reach.
document.addEventListener("DOMContentLoaded", () => {
  const reach = () => {
    for (const element of document.querySelectorAll(".tex.display")) {
      if (element.scrollWidth > element.clientWidth) element.tabIndex = 0;
      else element.removeAttribute("tabindex");
    }
  };
  reach();
  window.addEventListener("load", reach);
  window.addEventListener("resize", reach);
  document.fonts.addEventListener("loadingdone", reach);
});
