// Typeset every formula of the page; the TeX source is what the page shows without JavaScript.
document.addEventListener("DOMContentLoaded", () => {
  for (const element of document.querySelectorAll(".tex")) {
    const displayMode = element.classList.contains("display");
    katex.render(element.textContent, element, { displayMode, throwOnError: false });
  }
  // A formula wider than its column scrolls, and what scrolls must be within the keyboard's reach.
  const reach = () => {
    for (const element of document.querySelectorAll(".tex.display")) {
      if (element.scrollWidth > element.clientWidth) element.tabIndex = 0;
      else element.removeAttribute("tabindex");
    }
  };
  window.addEventListener("load", reach);
  window.addEventListener("resize", reach);
  document.fonts.addEventListener("loadingdone", reach);
});
