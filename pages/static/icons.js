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
  more: ["M5 12h.01", "M12 12h.01", "M19 12h.01"],
  pin: ["M9 4h6l-1 6 4 3v2H6v-2l4-3z", "M12 15v6"],
  unpin: ["M9 4h6l-1 6 4 3v2H6v-2l4-3z", "M12 15v6", "M4 4l16 16"],
  pencil: ["M15.5 5.5l3 3L8 19l-4 1 1-4z"],
  archive: ["M4 5h16v4H4z", "M6 9v10h12V9", "M10 13h4"],
  trash: ["M5 7h14", "M9 7V4h6v3", "M7 7l1 13h8l1-13", "M10.5 11v5M13.5 11v5"],
  restore: ["M4 12a8 8 0 1 0 2.5-5.8", "M4 4v5h5"],
  select: ["M4 5h16v14H4z", "M8 12l3 3 5-6"],
  search: ["M10.5 4a6.5 6.5 0 1 0 0 13 6.5 6.5 0 0 0 0-13z", "M15.5 15.5L20 20"],
  sliders: ["M4 7h9M17 7h3M4 17h3M11 17h9", "M15 5v4M9 15v4"],
  library: ["M5 4h4v16H5z", "M9 4h4v16H9z", "M14.5 5l3.5-1 3 15-3.5 1z"],
  gear: ["M12 9a3 3 0 1 0 0 6 3 3 0 0 0 0-6z", "M12 3v3M12 18v3M3 12h3M18 12h3M5.6 5.6l2.2 2.2M16.2 16.2l2.2 2.2M5.6 18.4l2.2-2.2M16.2 7.8l2.2-2.2"],
  keyboard: ["M3 6h18v12H3z", "M7 10h.01M11 10h.01M15 10h.01M7 14h10"],
  download: ["M12 4v11", "M7 10.5l5 5 5-5", "M5 20h14"],
  upload: ["M12 16V5", "M7 9.5l5-5 5 5", "M5 20h14"],
  share: ["M12 15V4", "M8 7.5L12 3.5l4 4", "M7 11H5v9h14v-9h-2"],
  link: ["M10 14a4 4 0 0 0 5.7 0l3-3a4 4 0 0 0-5.7-5.7l-1 1", "M14 10a4 4 0 0 0-5.7 0l-3 3a4 4 0 0 0 5.7 5.7l1-1"],
  fork: ["M6 4v9a4 4 0 0 0 4 4h8", "M14 13l4 4-4 4", "M6 4L3.5 6.5M6 4l2.5 2.5"],
  eye: ["M3 12s3.5-6 9-6 9 6 9 6-3.5 6-9 6-9-6-9-6z", "M12 9.5a2.5 2.5 0 1 0 0 5 2.5 2.5 0 0 0 0-5z"],
  thumb: ["M7 11v9H4v-9z", "M7 11l4-7.5a2 2 0 0 1 2 2V10h5.5a1.8 1.8 0 0 1 1.75 2.2l-1.5 6.4A1.8 1.8 0 0 1 17 20H7"],
  thumbdown: ["M7 13V4H4v9z", "M7 13l4 7.5a2 2 0 0 0 2-2V14h5.5a1.8 1.8 0 0 0 1.75-2.2l-1.5-6.4A1.8 1.8 0 0 0 17 4H7"],
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
