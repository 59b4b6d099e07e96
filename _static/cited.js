// Escape puts a citation's reference away, until the reader comes to its link again.
document.addEventListener("DOMContentLoaded", () => {
  const references = [...document.querySelectorAll(".cited")];
  for (const reference of references) {
    for (const coming of ["pointerenter", "focus"])
      reference.previousElementSibling.addEventListener(coming, () => { reference.hidden = false; });
  }
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    for (const reference of references)
      if (reference.checkVisibility()) reference.hidden = true;
  });
});
