/** The part of yaml's browser build that the console uses. */
export declare const parseDocument: (text: string) => { errors: readonly { message: string }[] };
