import { createRequire } from 'node:module';
import type { AxiosStatic } from 'axios';

/** Axios as the single file of its CommonJS build: its ES build is seventy modules, and 9 MB more in each process. */
export const axios = createRequire(import.meta.url)('axios') as AxiosStatic;

export const { Axios, AxiosHeaders } = axios;
