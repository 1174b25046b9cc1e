import { appError } from "../../kernel/errors.ts";

type PlotLibrary = typeof import("@observablehq/plot");

/** The plotting library, and a document that it can draw in: Node has none. */
export interface Drawing {
  readonly Plot: PlotLibrary;
  /** SVG of a plot; `label` says what it shows to those who do not see it. */
  readonly draw: (label: string, options: import("@observablehq/plot").PlotOptions) => string;
}

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
