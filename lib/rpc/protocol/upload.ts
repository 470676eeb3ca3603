/** The query parameter of an upload's path that has its request as JSON: the body has the bytes. */
export const UPLOAD_REQUEST = 'request';
