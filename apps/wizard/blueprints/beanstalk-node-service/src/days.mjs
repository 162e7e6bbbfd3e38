/** Working days: Monday to Friday, without the holidays that were named. Days are ISO 8601's. */

const DAY = 86_400_000;
const LONGEST_SPAN = 3660;
const MOST_HOLIDAYS = 400;
const FURTHEST = 2500;

/** What is wrong with a question; `problems` tells for each field why. */
export class InvalidQuestionError extends Error {
  constructor(problems) {
    super(Object.entries(problems).map(([field, why]) => `${field}: ${why}`).join("; "));
    this.problems = problems;
  }
}

/** Count the working days of a span, both of its ends in it. */
export function between(asked) {
  const problems = {};
  known(asked, ["from", "to", "holidays"], problems);
  const from = day(asked, "from", problems);
  const to = day(asked, "to", problems);
  const holidays = holidaysOf(asked, problems);
  if (from !== null && to !== null) {
    if (to < from) problems.to = "give a day that is not before the first";
    else if ((to - from) / DAY > LONGEST_SPAN) problems.to = "give a span of at most ten years";
  }
  refuse(problems);
  let working = 0;
  for (let one = from; one <= to; one += DAY) working += works(one, holidays) ? 1 : 0;
  return { from: written(from), to: written(to), days: (to - from) / DAY + 1, working };
}

/** Find the day that is a number of working days after another (before it, for a negative one). */
export function after(asked) {
  const problems = {};
  known(asked, ["from", "days", "holidays"], problems);
  const from = day(asked, "from", problems);
  const holidays = holidaysOf(asked, problems);
  const { days } = asked ?? {};
  if (!Number.isInteger(days) || Math.abs(days) > FURTHEST) {
    problems.days = `give a whole number from -${FURTHEST} to ${FURTHEST}`;
  }
  refuse(problems);
  let one = from;
  for (let left = Math.abs(days); left > 0; ) {
    one += Math.sign(days) * DAY;
    if (works(one, holidays)) left -= 1;
  }
  return { from: written(from), days, day: written(one) };
}

function known(asked, fields, problems) {
  if (asked === null || typeof asked !== "object" || Array.isArray(asked)) {
    throw new InvalidQuestionError({ question: "give a JSON object" });
  }
  for (const name of Object.keys(asked)) {
    if (!fields.includes(name)) problems[name] = "is not known";
  }
}

function day(asked, name, problems) {
  const found = read(asked[name]);
  if (found === null) problems[name] = "give a day of 1900 to 2200 as 2026-03-02";
  return found;
}

function holidaysOf({ holidays = [] }, problems) {
  if (!Array.isArray(holidays) || holidays.length > MOST_HOLIDAYS) {
    problems.holidays = `give a list of at most ${MOST_HOLIDAYS} days`;
    return new Set();
  }
  const days = holidays.map(read);
  if (days.includes(null)) problems.holidays = "give each day as 2026-12-25";
  return new Set(days);
}

/** The moment a day begins in UTC; null for what is no day, like 2026-02-30. */
function read(text) {
  if (typeof text !== "string" || !/^(19|20|21|22)\d\d-\d\d-\d\d$/.test(text)) return null;
  const moment = Date.parse(`${text}T00:00:00Z`);
  return Number.isNaN(moment) || written(moment) !== text || text > "2200-12-31" ? null : moment;
}

function written(moment) {
  return new Date(moment).toISOString().slice(0, 10);
}

function works(moment, holidays) {
  const weekday = new Date(moment).getUTCDay();
  return weekday !== 0 && weekday !== 6 && !holidays.has(moment);
}

function refuse(problems) {
  if (Object.keys(problems).length > 0) throw new InvalidQuestionError(problems);
}
