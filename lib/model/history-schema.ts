import Joi from 'joi';
import { HISTORY_RANGES, type History, type HistoryPoint } from './history.js';

const RANGES = Object.keys(HISTORY_RANGES);

export const historyRangeSchema = Joi.string()
  .valid(...RANGES)
  .description('`hour` has a point for each minute, `day` for each 10 minutes, `month` for each hour')
  .example('day');

const bytesPerSecond = (): Joi.NumberSchema => Joi.number().description('Bytes per second');

export const historySchema = Joi.object<History>({
  range: historyRangeSchema.required(),
  step: Joi.number().required().description('The seconds that each point is the average of').example(600),
  points: Joi.array()
    .items(
      Joi.object<HistoryPoint>({
        time: Joi.string().isoDate().required().description('When the step began'),
        cpu: Joi.number().description('In percent of one CPU'),
        memory: Joi.number().description('Bytes of host memory'),
        read: bytesPerSecond(),
        written: bytesPerSecond(),
        received: bytesPerSecond(),
        sent: bytesPerSecond(),
      }).label('history point'),
    )
    .required()
    .description('Oldest first; steps without a measurement are left out'),
}).label('history');
