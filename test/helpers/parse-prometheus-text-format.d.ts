declare module 'parse-prometheus-text-format' {
  /** The metric families of a text in Prometheus' format. */
  function parse(text: string): unknown[];
  export = parse;
}
