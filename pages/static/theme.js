// Decides light or dark before anything is painted. A classic script in the head: it must run before the styles apply.
// The choice ("light", "dark" or none, which follows the system) is kept in localStorage.
(() => {
  const KEY = "convstore:theme";
  const system = matchMedia("(prefers-color-scheme: dark)");

  function chosen() {
    try {
      const value = localStorage.getItem(KEY);
      return value === "light" || value === "dark" ? value : "system";
    } catch {
      return "system"; // storage is switched off
    }
  }

  function apply() {
    const choice = chosen();
    const dark = choice === "dark" || (choice === "system" && system.matches);
    document.documentElement.dataset.theme = dark ? "dark" : "light";
    document.documentElement.dataset.themeChoice = choice;
  }

  window.convstoreTheme = {
    chosen,
    choose(value) {
      try {
        value === "system" ? localStorage.removeItem(KEY) : localStorage.setItem(KEY, value);
      } catch {
        document.documentElement.dataset.theme = value === "dark" ? "dark" : "light";
        return;
      }
      apply();
    },
  };
  system.addEventListener("change", apply);
  window.addEventListener("storage", (event) => event.key === KEY && apply()); // the switch of another tab
  apply();
})();
