"""The rules of Ruku, pure: a department's documents, and what follows from them for a person on a date.

No Flask, no database, no clock, no randomness. Imports: the standard library and pydantic; ruamel.yaml only in `documents`;
re2 and stdnum only in `fields`. `docs/bundles.md` describes every document; each module below says what it leaves to others.

| module | what others call |
|---|---|
| `documents` | `canonical(data) -> str`, `content_hash(data) -> str`, `read_json(text)`, `Problem(file, line, key, zh, en)`, `Problems.problems` |
| `bundle` | `read_folder(path, *, centre=None)`, `read_documents({name: bytes}, *, centre=None)`, `Bundle.from_data(data, *, centre=None, known_hash=None)`; \
`bundle.code kind title manifest criteria form review exam questions exam_questions training letters cases hash`, `.letter(event)`, `.to_data()`; `run_cases(bundle)` |
| `manifest` | `Manifest`, `PipelineSettings` (`settings.route(level of the first review)`), `Setting.value/.verified/.basis` |
| `specialties` | `owner_of({department: claims}, standard, code) -> department code or None` |
| `forms` | `form.sections`, `form.find(path)`; `merge(centre_form, {code: form}) -> Form`, `check(form, answers, *, today) -> (clean, [FieldProblem(path, zh, en)])`, \
`check_partial(form, answers, path, raw, *, today) -> (clean value, problems)`, `visible(form, answers, *, today) -> set of paths`, `placed(answers, path, value)` |
| `fields` | `Field.parse(raw, Around(today, divisions, specialties))`, `.show(value, lang)`, `.widget`, `.json_schema()`, `.fact_type`; `FieldError` |
| `facts` | `derive(answers, *, department, applied_on, decided_on=None, specialties=(), registers={}) -> dict`, `DERIVATION_VERSION` |
| `criteria` | `evaluate(criteria, facts, *, on, moment, parameters_on=None) -> Verdict`; `verdict.decision flags findings missing`, `.to_data(format=2)`; `finding.missing settled_by`; `in_words(node, lang)` |
| `comparison` | `compare(before, after) -> [Change(file, path, kind, zh, en)]`, of two bundles or two mappings of documents; `.show(lang)` |
| `explanation` | `explain(trace, lang, titles={}) -> lines`, of a stored trace of either format |
| `hooks` | `install(plugins folder)` once per process; `criteria.derive(facts)` adds what hooks find (raises HookMissing): call it after `facts.derive()` |
| `settling`, `tracing` | `settled_by(node, trace, facts=, params=, on=)`; the stored trace of format 2 |
| `tables` | read by `tree.Reader`: a node may be `{table: {columns, rows: [{when, then}], hit, otherwise}}`; becomes ordinary nodes (`Logical.said` names rows) |
| `parameters`, `ages` | `value_on(parameter, date)`; `years_before`, `age_on`, `months_of` |
| `review` | `ReviewForm.checklist .scores .to_refuse`; `weighted(scores, marks)` |
| `exams` | `draw_paper(questions, blueprint, *, seed) -> Paper`, `grade(paper, questions, answers, *, pass_mark) -> Grade` |
| `training` | `Unit(id, title, minutes, body)` |
| `letters` | `render(letter, values, *, lang) -> Rendered(subject, body, sms)`, `EVENTS` |
| `registers` | `bundle.registers[id]`: `Register.document checks moves public_where facts`, `.failing(row, on=day)` |
| `checks` | `check_bundle(bundle, *, on, base=None, others=(), regulations=None) -> (Remark(code, file, line, key, zh, en, example), …)`, `of_problems(problems)`, `CODES` |
| `schemas` | `schemas() -> {file name: JSON Schema}`, `texts()` |
| `working_days` | `Calendar(overrides, decreed_years)`, `.is_workday(d)`, `.due_date(start, n) -> Deadline(last_day, due_on, provisional)`, `.recount(start, n, told=)` |
| `decrees` | `read_csv(text) -> ([Line], [Problem])`, `check(lines, said, decreed, today=, divisions=)`, `differences(lines, said, whole_years=) -> [DaySaid]`, `applied(said, changes)` |
| `deadline_words` | `deadline_words(last_day, days, lang=, provisional=, year=) -> str`: the one sentence; `day_words(day, lang=)` |

Texts are `Text(zh, en)`; `text.show("en")` falls back to Chinese. `lang` is `"zh"` or `"en"`.
"""
