import { num } from "./svg.ts";

/**
 * The filter that turns flat layers into lit metal: opacity is read as height, blurred into bevels, and lit by a lamp
 * far away; then the part is made opaque and throws a soft shadow on the belt.
 * @param azimuthDeg Where the lamp stands, clockwise from the right.
 */
export function lampFilter(azimuthDeg: number): string {
  const away = ((azimuthDeg + 180) * Math.PI) / 180;
  const lamp = `<feDistantLight azimuth="${num(azimuthDeg)}" elevation="52"/>`;
  const region = 'x="-64" y="-64" width="128" height="128" filterUnits="userSpaceOnUse"';
  return (
    `<filter id="lamp" ${region} color-interpolation-filters="sRGB">` +
    // Heights of 0.35 and more become opaque; what is lower is its soft edge.
    `<feColorMatrix in="SourceGraphic" values="1 0 0 0 0 0 1 0 0 0 0 0 1 0 0 0 0 0 3 0" result="opaque"/>` +
    `<feGaussianBlur in="SourceAlpha" stdDeviation="1.3" result="height"/>` +
    `<feDiffuseLighting in="height" surfaceScale="6" diffuseConstant="1.12" lighting-color="#fff">${lamp}</feDiffuseLighting>` +
    `<feComposite in2="opaque" operator="arithmetic" k1="1.08" result="matt"/>` +
    `<feSpecularLighting in="height" surfaceScale="6" specularConstant=".5" specularExponent="24" lighting-color="#fff">${lamp}</feSpecularLighting>` +
    `<feComposite in2="matt" operator="arithmetic" k2=".8" k3="1"/>` +
    `<feComposite in2="opaque" operator="in" result="metal"/>` +
    `<feOffset in="opaque" dx="${num(5 * Math.cos(away))}" dy="${num(5 * Math.sin(away))}"/><feGaussianBlur stdDeviation="2.6"/>` +
    `<feColorMatrix values="0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 .6 0" result="shadow"/>` +
    `<feMerge><feMergeNode in="shadow"/><feMergeNode in="metal"/></feMerge></filter>`
  );
}
