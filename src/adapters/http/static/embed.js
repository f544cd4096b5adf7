(() => {
  "use strict";
  const page = document.documentElement;
  const told = page.dataset;

  // To whoever shows this page; nothing secret is ever in it.
  const tell = (event, data) => {
    if (window.parent !== window) window.parent.postMessage({ event, data }, "*");
  };

  if (told.errorCode) tell("ERROR", { code: told.errorCode, message: told.errorMessage });

  if (told.dynamicHeight === "true") {
    new ResizeObserver(() => {
      tell("PAGE_HEIGHT", { height: Math.ceil(page.getBoundingClientRect().height) });
    }).observe(page);
  }

  const copied = async (field) => {
    try {
      await navigator.clipboard.writeText(field.value);
    } catch {
      field.select(); // the page around gave no permission: the old way, and at least it is selected
      document.execCommand("copy");
    }
  };

  for (const button of document.querySelectorAll("button[data-copy]")) {
    const words = button.textContent;
    button.addEventListener("click", async () => {
      await copied(document.getElementById(button.dataset.copy));
      button.textContent = button.dataset.done;
      setTimeout(() => { button.textContent = words; }, 2000);
    });
  }
})();
