import { appError } from "../../kernel/errors.ts";

type PlotLibrary = typeof import("@observablehq/plot");

/** The plotting library, and a document that it can draw in: Node has none. */
export interface Drawing {
  readonly Plot: PlotLibrary;
  /** SVG of a plot; `label` says what it shows to those who do not see it. */
  readonly draw: (label: string, options: import("@observablehq/plot").PlotOptions) => string;
}

/** Of every plot: as wide as a README is. */
export const widthPx = 860;

/**
 * Observable Plot draws into linkedom's document. Neither is needed on a box, so they come with the development packages.
 * @throws AppError `evaluate/no-plot` where they are not installed
 */
export async function openDrawing(): Promise<Drawing> {
  const [Plot, { parseHTML }] = await Promise.all([import("@observablehq/plot"), import("linkedom")]).catch(
    (cause: unknown) => {
      throw appError("evaluate/no-plot", "@observablehq/plot or linkedom is not installed", { cause });
    },
  );
  const { document } = parseHTML("<html><body></body></html>");
  return {
    Plot,
    draw: (label, options) => {
      const style = { background: "none", fontSize: "12px", fontFamily: "inherit" };
      const figure = Plot.plot({ document, style, ariaLabel: label, ...options });
      return figure.outerHTML;
    },
  };
}

/** A plot in a file, perhaps with a title above it. */
export interface Panel {
  readonly title?: string;
  readonly svg: string;
}

/** A file of plots, one below the other, and a note; on a ground of its own: light on light pages, dark on dark ones. */
export function pictureFile(panels: readonly Panel[], note?: string): string {
  let y = padding;
  const text = (line: string, fontSize: number): string => {
    y += fontSize + 4;
    return `<text x="${padding}" y="${y}" font-size="${fontSize}">${escapeXml(line)}</text>`;
  };
  const parts = panels.map(({ title, svg }, i) => {
    if (title !== undefined && i > 0) y += padding;
    const heading = title === undefined ? "" : text(title, 14);
    const part = svg.replace("<svg ", `<svg x="${padding}" y="${y}" `);
    y += Number(/ height="(\d+)"/.exec(svg)![1]);
    return heading + part;
  });
  if (note !== undefined) parts.push(text(note, 12));
  const [width, height] = [widthPx + 2 * padding, y + padding];
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}"` +
    ` font-family="system-ui, 'Segoe UI', 'DejaVu Sans', sans-serif" fill="currentColor">\n<style>${style}</style>\n` +
    `<rect class="ground" width="${width}" height="${height}" rx="8"/>\n${parts.join("\n")}\n</svg>\n`
  );
}

const padding = 12;

const style = `
  svg { color: #17212b; --plot-background: #fbfcfd }
  .ground { fill: #fbfcfd }
  @media (prefers-color-scheme: dark) { svg { color: #e9eff4; --plot-background: #12171c } .ground { fill: #12171c } }
`;

/** Text in SVG or HTML. */
export function escapeXml(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll('"', "&quot;");
}
