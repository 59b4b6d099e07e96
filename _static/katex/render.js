// Typeset every formula of the page; the TeX source is what the page shows without JavaScript.
document.addEventListener("DOMContentLoaded", () => {
  // A formula wider than its column scrolls, and what scrolls must be within the keyboard's reach.
  const watch = new ResizeObserver((entries) => {
    for (const { target } of entries) {
      if (target.scrollWidth > target.clientWidth) target.tabIndex = 0;
      else target.removeAttribute("tabindex");
    }
  });
  for (const element of document.querySelectorAll(".tex")) {
    const displayMode = element.classList.contains("display");
    katex.render(element.textContent, element, { displayMode, throwOnError: false });
    if (displayMode) watch.observe(element);
  }
});
