import { expect, test } from "vitest";
import { offsetsToChoose, readShowInput, showBody, timeProblem, typedAs } from "./show-input";

const TYPED: Record<string, string> = {
  name: " Hamlet ",
  category: "theatre",
  "venue.name": "Schaubühne",
  "venue.city": "Berlin",
  "venue.country": "DE",
  timeZone: "Europe/Berlin",
  startsAt: "2027-06-14T20:00",
  endsAt: "2027-06-14T22:30",
};
const typed = (changes: Record<string, string> = {}) =>
  readShowInput((name) => ({ ...TYPED, ...changes })[name]);

test("times are sent as they are typed: local to the show", () => {
  expect(showBody(typed())).toEqual({
    name: "Hamlet",
    category: "theatre",
    venue: { name: "Schaubühne", city: "Berlin", country: "DE" },
    timeZone: "Europe/Berlin",
    startsAt: "2027-06-14T20:00",
    endsAt: "2027-06-14T22:30",
  });
});

test("a time that exists twice is sent with the chosen offset", () => {
  const twice = { startsAt: "2027-10-31T02:30", endsAt: "2027-10-31T05:00" };
  expect(offsetsToChoose(typed(twice))).toEqual(["+02:00", "+01:00"]);
  expect(timeProblem("startsAt", typed(twice))).toBe("timeTwice");
  const chosen = typed({ ...twice, offset: "+01:00" });
  expect(timeProblem("startsAt", chosen)).toBeNull();
  expect(showBody(chosen)).toMatchObject({
    startsAt: "2027-10-31T02:30+01:00",
    endsAt: "2027-10-31T05:00",
  });
});

test("a show is edited in its local times, with the offset of one that exists twice", () => {
  const show = {
    ...{ id: "1", version: 0, userId: "2", createdAt: "2026-11-29T00:00:00Z" },
    ...{ name: "Hamlet", category: "theatre" as const, timeZone: "Europe/Berlin" },
    venue: { name: "Schaubühne", city: "Berlin", country: "DE" },
  };
  const edited = { startsAt: "2027-06-14T18:00:00Z", endsAt: "2027-06-14T20:30:00Z" };
  expect(showBody(typedAs({ ...show, ...edited }))).toEqual(showBody(typed()));
  const twice = { startsAt: "2027-10-31T01:30:00Z", endsAt: "2027-10-31T23:00:00Z" };
  expect(showBody(typedAs({ ...show, ...twice }))).toMatchObject({
    startsAt: "2027-10-31T02:30+01:00",
    endsAt: "2027-11-01T00:00",
  });
});

test.each([
  ["", "startRequired"],
  ["2027-03-28T02:30", "timeMissing"],
  ["2027-06-14T20:00", null],
])("the problem of the start %j is %s", (startsAt, problem) => {
  expect(timeProblem("startsAt", typed({ startsAt }))).toBe(problem);
});
