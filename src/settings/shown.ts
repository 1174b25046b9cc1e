/**
 * JSON as it may be shown: of an address only its scheme, host and port. Cameras take passwords before the @, in the query
 * and in the path. Where that cannot be told apart, as with a / or ? in a password, the whole address is hidden.
 */
export function withoutSecrets(json: string): string {
  return json.replaceAll(/:\/\/((?:[^"\\]|\\.)*)/g, (_, rest: string) => `://${shownRest(rest)}`);
}

function shownRest(rest: string): string {
  const end = rest.search(/[/?#\\]/);
  const authority = end < 0 ? rest : rest.slice(0, end);
  const tail = end < 0 ? "" : rest.slice(end);
  if (tail.includes("@")) return "…";
  const host = authority.slice(authority.lastIndexOf("@") + 1);
  return `${host === authority ? "" : "…@"}${host}${tail.length > 1 ? `${tail[0]}…` : tail}`;
}
