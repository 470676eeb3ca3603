import { qcow2Backend } from '../../helpers/qcow2-backend.js';
import { exportSuite } from './suites/export.js';

exportSuite(qcow2Backend);
