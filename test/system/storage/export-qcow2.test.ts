import { qcow2Backend } from '../../helpers/qcow2-backend.js';
import { exportSuite } from './suites/export.js';
import { importSuite } from './suites/import.js';
import { ovaSuite } from './suites/ova.js';

exportSuite(qcow2Backend);
importSuite(qcow2Backend);
ovaSuite(qcow2Backend);
