// Pages on which a sitting in this tab can send no more: what it left there goes.

import { forget } from "./carried";

forget(sessionStorage);
