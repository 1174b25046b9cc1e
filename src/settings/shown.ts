/**
 * Text as it may be shown: in addresses, what stands before @ and after ? may be a password. Where both are mixed, as
 * with a ? in a password, the whole address is hidden.
 */
export function withoutSecrets(text: string): string {
  return text
    .replaceAll(/:\/\/[^\s/"?]*\?[^\s/"]*@[^\s"]*/g, "://…")
    .replaceAll(/(:\/\/[^\s"?]*)\?[^\s"]*/g, "$1?…")
    .replaceAll(/\/\/[^\s/"]*@/g, "//…@");
}
