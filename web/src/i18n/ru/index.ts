import type { Russian } from '../catalogue.ts';
import { admin } from './admin.ts';
import { common } from './common.ts';
import { desk } from './desk.ts';
import { reports } from './reports.ts';

export const ru: Russian = { ...admin, ...common, ...desk, ...reports };
