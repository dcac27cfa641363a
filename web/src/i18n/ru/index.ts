import type { Russian } from '../catalogue.ts';
import { common } from './common.ts';
import { desk } from './desk.ts';
import { reports } from './reports.ts';

export const ru: Russian = { ...common, ...desk, ...reports };
