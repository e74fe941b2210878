// Inline icons, 24 x 24, drawn with the colour of the text around them.

const SVG = "http://www.w3.org/2000/svg";

const PATHS = {
  menu: ["M4 7h16", "M4 12h16", "M4 17h10"],
  close: ["M6 6l12 12", "M18 6L6 18"],
  compose: ["M12 20h8", "M16.5 4.5a2.12 2.12 0 0 1 3 3L8 19l-4 1 1-4z"],
  copy: ["M9 9h10v11H9z", "M15 9V4H5v11h4"],
  check: ["M5 12.5l4.5 4.5L19 7.5"],
  retry: ["M20 11a8 8 0 1 0-2.3 6.2", "M20 5v6h-6"],
  chevron: ["M9 6l6 6-6 6"],
  back: ["M15 6l-6 6 6 6"],
  up: ["M12 19V6", "M6 11l6-6 6 6"],
  square: ["M8 8h8v8H8z"],
  down: ["M12 5v14", "M6 13l6 6 6-6"],
  sun: ["M12 8a4 4 0 1 0 0 8 4 4 0 0 0 0-8z", "M12 2v2M12 20v2M4.9 4.9l1.4 1.4M17.7 17.7l1.4 1.4M2 12h2M20 12h2M4.9 19.1l1.4-1.4M17.7 6.3l1.4-1.4"],
  moon: ["M20 14.5A8.5 8.5 0 1 1 9.5 4a7 7 0 0 0 10.5 10.5z"],
  system: ["M4 5h16v11H4z", "M9 20h6M12 16v4"],
  tool: ["M14.5 6.5a4 4 0 0 0-5.3 5.2L4 17l3 3 5.3-5.2a4 4 0 0 0 5.2-5.3l-2.6 2.6-2.5-.5-.5-2.5z"],
  thought: ["M12 4a6 6 0 0 0-3.5 10.9c.6.5 1 1.1 1 1.9V17h5v-.2c0-.8.4-1.4 1-1.9A6 6 0 0 0 12 4z", "M10 20h4"],
  warning: ["M12 4l9 16H3z", "M12 10v4M12 17v.2"],
  sidebar: ["M4 5h16v14H4z", "M10 5v14"],
  chat: ["M5 5h14v11H10l-5 4z"],
};

export function icon(name, size = 18) {
  const svg = document.createElementNS(SVG, "svg");
  const attributes = {
    viewBox: "0 0 24 24", width: size, height: size, fill: "none", stroke: "currentColor", "stroke-width": 1.75,
    "stroke-linecap": "round", "stroke-linejoin": "round", "aria-hidden": "true", class: `icon icon-${name}`,
  };
  for (const [key, value] of Object.entries(attributes)) svg.setAttribute(key, value);
  for (const line of PATHS[name]) {
    const path = document.createElementNS(SVG, "path");
    path.setAttribute("d", line);
    svg.append(path);
  }
  return svg;
}
