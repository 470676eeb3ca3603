import { createRequire } from 'node:module';
import type { AxiosStatic } from 'axios';

/** axios in the one file that CommonJS gets. As ES modules it is seventy, which take 9 MB more in each process. */
export const axios = createRequire(import.meta.url)('axios') as AxiosStatic;

export const { Axios, AxiosError, AxiosHeaders } = axios;
