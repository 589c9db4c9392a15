"""The criteria of the shipped departments as plain Python, with the trace the engine leaves; written by `bench.writing`."""

from __future__ import annotations

from rules.ages import months_union, span, years_before
from rules.evaluation import Seen, as_date
from rules.numbers import as_number

NOTHING: dict = {}


def boolean_of(raw):
    return raw if type(raw) is bool else None


def text_of(raw):
    return raw if type(raw) is str else None


def code_of(raw):
    return raw["code"] if type(raw) is dict and type(raw.get("code")) is str else None


def entries_of(raw):
    return [one if type(one) is dict else NOTHING for one in raw] if type(raw) in (list, tuple) else None


def before(day, years):
    if day is None or years is None or years != int(years) or not -10_000 < years < 10_000:
        return None
    return years_before(day, int(years))


def finance(facts, params, on):
    get, found = facts.get, []

    # citizen
    v0 = boolean_of(get('citizen_capacity'))
    t0 = v0
    found.append((t0, [(t0, v0, True, None)]))

    # age
    v1 = as_number(get('age'))
    a1 = params.get('age_limit')
    t1 = None if v1 is None or a1 is None else v1 < a1
    group = entries_of(get('specialties'))
    if group is None:
        t3, s3 = None, (None, None, None, None)
    else:
        t3, traces = True, []
        for one in group:
            v3_0 = text_of(one.get('code'))
            a3_0 = params.get('scarce_items')
            t3_0 = None if v3_0 is None or a3_0 is None else v3_0.startswith(a3_0)
            own = [(t3_0, v3_0, a3_0, None)]
            traces.append(own)
            if t3_0 is False:
                t3 = False
            elif t3_0 is None and t3 is True:
                t3 = None
        s3 = (t3, len(group), None, traces)
    v4 = as_number(get('age'))
    a4 = params.get('scarce_age_limit')
    t4 = None if v4 is None or a4 is None else v4 < a4
    t2 = False if t3 is False or t4 is False else None if t3 is None or t4 is None else True
    t0 = True if t1 is True or t2 is True else None if t1 is None or t2 is None else False
    found.append((t0, [t0, (t1, v1, a1, None), t2, s3, (t4, v4, a4, None)]))

    # healthy
    v0 = boolean_of(get('healthy'))
    t0 = v0
    found.append((t0, [(t0, v0, True, None)]))

    # title_and_years
    v1 = text_of(get('title_level'))
    t1 = None if v1 is None else v1 in ('full_senior', 'associate_senior')
    t10 = False if t1 is False else None if t1 is None else True
    v2 = text_of(get('qualification_level'))
    t2 = None if v2 is None else v2 in ('ungraded', 'grade_one')
    t11 = False if t2 is False else None if t2 is None else True
    v3 = text_of(get('title_level'))
    t3 = None if v3 is None else v3 in ('intermediate',)
    group = entries_of(get('work_periods'))
    a4 = params.get('years_needed')
    if group is None:
        t4, s4 = None, (None, None, a4, None, ())
    else:
        sure, maybe, gaps, traces = [], [], [], []
        for at, one in enumerate(group):
            traces.append(None)
            value = span(one.get('months'), on)
            if value is None:
                gaps.append(at)
            else:
                sure.append(value)
        low = months_union(sure)
        high = None if gaps else months_union(sure + maybe) if maybe else low
        if a4 is None:
            t4 = None
        elif low == high:
            t4 = low >= a4 * 12
        else:
            t4 = True if low >= a4 * 12 else False if high is not None and not high >= a4 * 12 else None
        s4 = (t4, Seen(low, high), a4, traces, gaps)
    t12 = False if t3 is False or t4 is False else None if t3 is None or t4 is None else True
    v5 = text_of(get('qualification_level'))
    t5 = None if v5 is None else v5 in ('grade_two',)
    group = entries_of(get('work_periods'))
    a6 = params.get('years_needed')
    if group is None:
        t6, s6 = None, (None, None, a6, None, ())
    else:
        sure, maybe, gaps, traces = [], [], [], []
        for at, one in enumerate(group):
            traces.append(None)
            value = span(one.get('months'), on)
            if value is None:
                gaps.append(at)
            else:
                sure.append(value)
        low = months_union(sure)
        high = None if gaps else months_union(sure + maybe) if maybe else low
        if a6 is None:
            t6 = None
        elif low == high:
            t6 = low >= a6 * 12
        else:
            t6 = True if low >= a6 * 12 else False if high is not None and not high >= a6 * 12 else None
        s6 = (t6, Seen(low, high), a6, traces, gaps)
    t13 = False if t5 is False or t6 is False else None if t5 is None or t6 is None else True
    v7 = text_of(get('title_level'))
    t7 = None if v7 is None else v7 in ('intermediate',)
    group = entries_of(get('work_periods'))
    a8 = params.get('scarce_years')
    if group is None:
        t8, s8 = None, (None, None, a8, None, ())
    else:
        sure, maybe, gaps, traces = [], [], [], []
        for at, one in enumerate(group):
            traces.append(None)
            value = span(one.get('months'), on)
            if value is None:
                gaps.append(at)
            else:
                sure.append(value)
        low = months_union(sure)
        high = None if gaps else months_union(sure + maybe) if maybe else low
        if a8 is None:
            t8 = None
        elif low == high:
            t8 = low >= a8 * 12
        else:
            t8 = True if low >= a8 * 12 else False if high is not None and not high >= a8 * 12 else None
        s8 = (t8, Seen(low, high), a8, traces, gaps)
    group = entries_of(get('specialties'))
    if group is None:
        t9, s9 = None, (None, None, 0, None, ())
    else:
        sure, maybe, gaps, traces = [], [], [], []
        for one in group:
            v9_1 = text_of(one.get('code'))
            a9_1 = params.get('scarce_items')
            t9_1 = None if v9_1 is None or a9_1 is None else v9_1.startswith(a9_1)
            t9_0 = True if t9_1 is False else None if t9_1 is None else False
            own = [t9_0, (t9_1, v9_1, a9_1, None)]
            traces.append(own)
            if t9_0 is False:
                continue
            (sure if t9_0 else maybe).append(1)
        low = len(sure)
        high = low + len(maybe)
        if low == high:
            t9 = low == 0
        else:
            t9 = False if low > 0 or (high is not None and high < 0) else None
        s9 = (t9, Seen(low, high), 0, traces, gaps)
    t14 = False if t7 is False or t8 is False or t9 is False else None if t7 is None or t8 is None or t9 is None else True
    t0 = True if t10 is True or t11 is True or t12 is True or t13 is True or t14 is True else None if t10 is None or t11 is None or t12 is None or t13 is None or t14 is None else False
    found.append((t0, [t0, (t1, v1, ('full_senior', 'associate_senior'), None), (t2, v2, ('ungraded', 'grade_one'), None), (t3, v3, ('intermediate',), None), s4, (t5, v5, ('grade_two',), None), s6, (t7, v7, ('intermediate',), None), s8, s9, t10, t11, t12, t13, t14]))

    # equal_to_intermediate
    v1 = text_of(get('title_level'))
    t1 = None if v1 is None else v1 in ('full_senior', 'associate_senior', 'intermediate')
    v2 = text_of(get('qualification_level'))
    t2 = None if v2 is None else v2 in ('ungraded', 'grade_one', 'none')
    t0 = True if t1 is True or t2 is True else None if t1 is None or t2 is None else False
    found.append((t0, [t0, (t1, v1, ('full_senior', 'associate_senior', 'intermediate'), None), (t2, v2, ('ungraded', 'grade_one', 'none'), None)]))

    # no_relaxation
    v1 = as_number(get('age'))
    a1 = params.get('age_limit')
    t1 = None if v1 is None or a1 is None else v1 < a1
    v3 = text_of(get('title_level'))
    t3 = None if v3 is None else v3 in ('full_senior', 'associate_senior')
    v4 = text_of(get('qualification_level'))
    t4 = None if v4 is None else v4 in ('ungraded', 'grade_one')
    group = entries_of(get('work_periods'))
    a5 = params.get('years_needed')
    if group is None:
        t5, s5 = None, (None, None, a5, None, ())
    else:
        sure, maybe, gaps, traces = [], [], [], []
        for at, one in enumerate(group):
            traces.append(None)
            value = span(one.get('months'), on)
            if value is None:
                gaps.append(at)
            else:
                sure.append(value)
        low = months_union(sure)
        high = None if gaps else months_union(sure + maybe) if maybe else low
        if a5 is None:
            t5 = None
        elif low == high:
            t5 = low >= a5 * 12
        else:
            t5 = True if low >= a5 * 12 else False if high is not None and not high >= a5 * 12 else None
        s5 = (t5, Seen(low, high), a5, traces, gaps)
    t2 = True if t3 is True or t4 is True or t5 is True else None if t3 is None or t4 is None or t5 is None else False
    t0 = False if t1 is False or t2 is False else None if t1 is None or t2 is None else True
    found.append((t0, [t0, (t1, v1, a1, None), t2, (t3, v3, ('full_senior', 'associate_senior'), None), (t4, v4, ('ungraded', 'grade_one'), None), s5]))

    # items_within_limit
    group = entries_of(get('specialties'))
    a0 = params.get('max_items')
    if group is None:
        t0, s0 = None, (None, None, a0, None, ())
    else:
        low = len(group)
        t0 = None if a0 is None else low <= a0
        s0 = (t0, Seen(low, low), a0, [None] * low, [])
    found.append((t0, [s0]))

    # no_bribery_or_fraud
    v0 = boolean_of(get('bribery_or_fraud'))
    t0 = None if v0 is None else not v0
    found.append((t0, [(t0, v0, False, None)]))

    # no_bad_behaviour_declared
    v0 = boolean_of(get('bad_behaviour'))
    t0 = None if v0 is None else not v0
    found.append((t0, [(t0, v0, False, None)]))

    # no_bad_behaviour_on_record
    group = entries_of(get('penalties'))
    if group is None:
        t0, s0 = None, (None, None, 0, None, ())
    else:
        sure, maybe, gaps, traces = [], [], [], []
        for one in group:
            v0_1 = text_of(one.get('kind'))
            t0_1 = None if v0_1 is None else v0_1 == '评审不良行为'
            v0_2 = as_date(one.get('decided_on'))
            a0_2d = as_date(get('applied_on'))
            a0_2y = params.get('clean_years')
            a0_2 = before(a0_2d, a0_2y)
            t0_2 = None if v0_2 is None or a0_2 is None else v0_2 > a0_2
            t0_0 = False if t0_1 is False or t0_2 is False else None if t0_1 is None or t0_2 is None else True
            own = [t0_0, (t0_1, v0_1, '评审不良行为', None), (t0_2, v0_2, a0_2, None)]
            traces.append(own)
            if t0_0 is False:
                continue
            (sure if t0_0 else maybe).append(1)
        low = len(sure)
        high = low + len(maybe)
        if low == high:
            t0 = low == 0
        else:
            t0 = False if low > 0 or (high is not None and high < 0) else None
        s0 = (t0, Seen(low, high), 0, traces, gaps)
    found.append((t0, [s0]))

    # recusal_declared
    v0 = boolean_of(get('recusal_complete'))
    t0 = v0
    found.append((t0, [(t0, v0, True, None)]))

    # not_procurement_supervisor
    v0 = boolean_of(get('procurement_supervisor'))
    t0 = None if v0 is None else not v0
    found.append((t0, [(t0, v0, False, None)]))

    # no_criminal_punishment
    v0 = boolean_of(get('criminal_punishment'))
    t0 = None if v0 is None else not v0
    found.append((t0, [(t0, v0, False, None)]))

    # not_dismissed
    v0 = boolean_of(get('dismissed_from_office'))
    t0 = None if v0 is None else not v0
    found.append((t0, [(t0, v0, False, None)]))

    # not_barred
    v0 = boolean_of(get('barred_from_evaluation'))
    t0 = None if v0 is None else not v0
    found.append((t0, [(t0, v0, False, None)]))

    # not_discredited
    v0 = boolean_of(get('serious_discredit'))
    t0 = None if v0 is None else not v0
    found.append((t0, [(t0, v0, False, None)]))

    # not_blacklisted
    v0 = boolean_of(get('blacklisted'))
    t0 = None if v0 is None else not v0
    found.append((t0, [(t0, v0, False, None)]))

    # independent
    v1 = boolean_of(get('works_for_supervisor'))
    t1 = v1
    v2 = boolean_of(get('works_for_centre'))
    t2 = v2
    t0 = False if t1 is True or t2 is True else None if t1 is None or t2 is None else True
    found.append((t0, [t0, (t1, v1, True, None), (t2, v2, True, None)]))

    # paid_by_rule
    v0 = boolean_of(get('civil_servant'))
    t0 = None if v0 is None else not v0
    found.append((t0, [(t0, v0, False, None)]))
    return found


def housing(facts, params, on):
    get, found = facts.get, []

    # citizen
    v0 = boolean_of(get('citizen_capacity'))
    t0 = v0
    found.append((t0, [(t0, v0, True, None)]))

    # age
    v0 = as_number(get('age'))
    a0 = params.get('age_limit')
    t0 = None if v0 is None or a0 is None else v0 <= a0
    found.append((t0, [(t0, v0, a0, None)]))

    # healthy
    v0 = boolean_of(get('healthy'))
    t0 = v0
    found.append((t0, [(t0, v0, True, None)]))

    # electronic_evaluation
    v0 = boolean_of(get('electronic_evaluation'))
    t0 = v0
    found.append((t0, [(t0, v0, True, None)]))

    # title
    v1 = text_of(get('title_level'))
    t1 = None if v1 is None else v1 in ('full_senior', 'associate_senior')
    group = entries_of(get('registrations'))
    if group is None:
        t2, s2 = None, (None, None, None, None)
    else:
        t2, traces = False, []
        for one in group:
            v2_1 = text_of(one.get('registration_grade'))
            t2_1 = None if v2_1 is None else v2_1 in ('grade_one', 'ungraded')
            v2_2 = text_of(one.get('registration_kind'))
            t2_2 = None if v2_2 is None else v2_2 in ('constructor', 'cost_engineer', 'supervision_engineer', 'architect', 'structural_engineer')
            v2_3 = text_of(one.get('registration_number'))
            t2_3 = v2_3 is not None
            t2_0 = False if t2_1 is False or t2_2 is False or t2_3 is False else None if t2_1 is None or t2_2 is None or t2_3 is None else True
            own = [t2_0, (t2_1, v2_1, ('grade_one', 'ungraded'), None), (t2_2, v2_2, ('constructor', 'cost_engineer', 'supervision_engineer', 'architect', 'structural_engineer'), None), (v2_3 is not None, v2_3, None, None)]
            traces.append(own)
            if t2_0 is True:
                t2 = True
            elif t2_0 is None and t2 is False:
                t2 = None
        s2 = (t2, len(group), None, traces)
    t0 = True if t1 is True or t2 is True else None if t1 is None or t2 is None else False
    found.append((t0, [t0, (t1, v1, ('full_senior', 'associate_senior'), None), s2]))

    # years
    group = entries_of(get('work_periods'))
    a0 = params.get('years_needed')
    if group is None:
        t0, s0 = None, (None, None, a0, None, ())
    else:
        sure, maybe, gaps, traces = [], [], [], []
        for at, one in enumerate(group):
            v0_0 = text_of(one.get('work_field'))
            t0_0 = None if v0_0 is None else v0_0 in ('construction', 'cost')
            own = [(t0_0, v0_0, ('construction', 'cost'), None)]
            traces.append(own)
            if t0_0 is False:
                continue
            value = span(one.get('months'), on)
            if value is None:
                gaps.append(at)
            elif t0_0:
                sure.append(value)
            else:
                maybe.append(value)
        low = months_union(sure)
        high = None if gaps else months_union(sure + maybe) if maybe else low
        if a0 is None:
            t0 = None
        elif low == high:
            t0 = low >= a0 * 12
        else:
            t0 = True if low >= a0 * 12 else False if high is not None and not high >= a0 * 12 else None
        s0 = (t0, Seen(low, high), a0, traces, gaps)
    found.append((t0, [s0]))

    # registration_in_force
    group = entries_of(get('registrations'))
    if group is None:
        t0, s0 = None, (None, None, None, None)
    else:
        t0, traces = True, []
        for one in group:
            v0_2 = as_date(one.get('registration_until'))
            t0_2 = v0_2 is not None
            t0_1 = True if t0_2 is False else None if t0_2 is None else False
            v0_3 = as_date(one.get('registration_until'))
            a0_3 = as_date(get('decided_on'))
            t0_3 = None if v0_3 is None or a0_3 is None else v0_3 >= a0_3
            t0_0 = True if t0_1 is True or t0_3 is True else None if t0_1 is None or t0_3 is None else False
            own = [t0_0, t0_1, (v0_2 is not None, v0_2, None, None), (t0_3, v0_3, a0_3, None)]
            traces.append(own)
            if t0_0 is False:
                t0 = False
            elif t0_0 is None and t0 is True:
                t0 = None
        s0 = (t0, len(group), None, traces)
    found.append((t0, [s0]))

    # no_criminal_punishment
    v0 = boolean_of(get('criminal_punishment'))
    t0 = None if v0 is None else not v0
    found.append((t0, [(t0, v0, False, None)]))

    # not_dismissed
    v0 = boolean_of(get('dismissed_from_office'))
    t0 = None if v0 is None else not v0
    found.append((t0, [(t0, v0, False, None)]))

    # not_barred
    v0 = boolean_of(get('barred_from_evaluation'))
    t0 = None if v0 is None else not v0
    found.append((t0, [(t0, v0, False, None)]))

    # not_discredited
    v0 = boolean_of(get('serious_discredit'))
    t0 = None if v0 is None else not v0
    found.append((t0, [(t0, v0, False, None)]))

    # not_blacklisted
    v0 = boolean_of(get('blacklisted'))
    t0 = None if v0 is None else not v0
    found.append((t0, [(t0, v0, False, None)]))

    # independent
    v1 = boolean_of(get('works_for_supervisor'))
    t1 = v1
    v2 = boolean_of(get('works_for_centre'))
    t2 = v2
    t0 = False if t1 is True or t2 is True else None if t1 is None or t2 is None else True
    found.append((t0, [t0, (t1, v1, True, None), (t2, v2, True, None)]))

    # paid_by_rule
    v0 = boolean_of(get('civil_servant'))
    t0 = None if v0 is None else not v0
    found.append((t0, [(t0, v0, False, None)]))
    return found


def natural_resources(facts, params, on):
    get, found = facts.get, []

    # citizen
    v0 = boolean_of(get('citizen_capacity'))
    t0 = v0
    found.append((t0, [(t0, v0, True, None)]))

    # age
    v0 = as_number(get('age'))
    a0 = params.get('age_limit')
    t0 = None if v0 is None or a0 is None else v0 <= a0
    found.append((t0, [(t0, v0, a0, None)]))

    # healthy
    v0 = boolean_of(get('healthy'))
    t0 = v0
    found.append((t0, [(t0, v0, True, None)]))

    # electronic_evaluation
    v0 = boolean_of(get('electronic_evaluation'))
    t0 = v0
    found.append((t0, [(t0, v0, True, None)]))

    # title
    v1 = text_of(get('title_level'))
    t1 = None if v1 is None else v1 in ('full_senior', 'associate_senior')
    t5 = False if t1 is False else None if t1 is None else True
    v2 = text_of(get('qualification_level'))
    t2 = None if v2 is None else v2 in ('ungraded', 'grade_one')
    t6 = False if t2 is False else None if t2 is None else True
    v3 = text_of(get('title_level'))
    t3 = None if v3 is None else v3 in ('intermediate',)
    v4 = text_of(get('review_kind'))
    t4 = None if v4 is None else v4 == 'fund_economic'
    t7 = False if t3 is False or t4 is False else None if t3 is None or t4 is None else True
    t0 = True if t5 is True or t6 is True or t7 is True else None if t5 is None or t6 is None or t7 is None else False
    found.append((t0, [t0, (t1, v1, ('full_senior', 'associate_senior'), None), (t2, v2, ('ungraded', 'grade_one'), None), (t3, v3, ('intermediate',), None), (t4, v4, 'fund_economic', None), t5, t6, t7]))

    # years
    v1 = text_of(get('review_kind'))
    t1 = None if v1 is None else v1 == 'general'
    group = entries_of(get('work_periods'))
    a2 = params.get('years_needed')
    if group is None:
        t2, s2 = None, (None, None, a2, None, ())
    else:
        sure, maybe, gaps, traces = [], [], [], []
        for at, one in enumerate(group):
            v2_0 = text_of(one.get('work_field'))
            t2_0 = None if v2_0 is None else v2_0 in ('land', 'geology', 'surveying')
            own = [(t2_0, v2_0, ('land', 'geology', 'surveying'), None)]
            traces.append(own)
            if t2_0 is False:
                continue
            value = span(one.get('months'), on)
            if value is None:
                gaps.append(at)
            elif t2_0:
                sure.append(value)
            else:
                maybe.append(value)
        low = months_union(sure)
        high = None if gaps else months_union(sure + maybe) if maybe else low
        if a2 is None:
            t2 = None
        elif low == high:
            t2 = low >= a2 * 12
        else:
            t2 = True if low >= a2 * 12 else False if high is not None and not high >= a2 * 12 else None
        s2 = (t2, Seen(low, high), a2, traces, gaps)
    t7 = False if t1 is False or t2 is False else None if t1 is None or t2 is None else True
    v3 = text_of(get('review_kind'))
    t3 = None if v3 is None else v3 == 'fund_technical'
    group = entries_of(get('work_periods'))
    a4 = params.get('geology_years')
    if group is None:
        t4, s4 = None, (None, None, a4, None, ())
    else:
        sure, maybe, gaps, traces = [], [], [], []
        for at, one in enumerate(group):
            v4_0 = text_of(one.get('work_field'))
            t4_0 = None if v4_0 is None else v4_0 == 'geology'
            own = [(t4_0, v4_0, 'geology', None)]
            traces.append(own)
            if t4_0 is False:
                continue
            value = span(one.get('months'), on)
            if value is None:
                gaps.append(at)
            elif t4_0:
                sure.append(value)
            else:
                maybe.append(value)
        low = months_union(sure)
        high = None if gaps else months_union(sure + maybe) if maybe else low
        if a4 is None:
            t4 = None
        elif low == high:
            t4 = low >= a4 * 12
        else:
            t4 = True if low >= a4 * 12 else False if high is not None and not high >= a4 * 12 else None
        s4 = (t4, Seen(low, high), a4, traces, gaps)
    t8 = False if t3 is False or t4 is False else None if t3 is None or t4 is None else True
    v5 = text_of(get('review_kind'))
    t5 = None if v5 is None else v5 == 'fund_economic'
    group = entries_of(get('work_periods'))
    a6 = params.get('economic_years')
    if group is None:
        t6, s6 = None, (None, None, a6, None, ())
    else:
        sure, maybe, gaps, traces = [], [], [], []
        for at, one in enumerate(group):
            v6_0 = text_of(one.get('work_field'))
            t6_0 = None if v6_0 is None else v6_0 in ('economics', 'cost')
            own = [(t6_0, v6_0, ('economics', 'cost'), None)]
            traces.append(own)
            if t6_0 is False:
                continue
            value = span(one.get('months'), on)
            if value is None:
                gaps.append(at)
            elif t6_0:
                sure.append(value)
            else:
                maybe.append(value)
        low = months_union(sure)
        high = None if gaps else months_union(sure + maybe) if maybe else low
        if a6 is None:
            t6 = None
        elif low == high:
            t6 = low >= a6 * 12
        else:
            t6 = True if low >= a6 * 12 else False if high is not None and not high >= a6 * 12 else None
        s6 = (t6, Seen(low, high), a6, traces, gaps)
    t9 = False if t5 is False or t6 is False else None if t5 is None or t6 is None else True
    t0 = True if t7 is True or t8 is True or t9 is True else None if t7 is None or t8 is None or t9 is None else False
    found.append((t0, [t0, (t1, v1, 'general', None), s2, (t3, v3, 'fund_technical', None), s4, (t5, v5, 'fund_economic', None), s6, t7, t8, t9]))

    # led_projects
    v1 = text_of(get('review_kind'))
    t1 = None if v1 is None else v1 in ('general', 'fund_economic')
    group = entries_of(get('geology_projects'))
    a2 = params.get('projects_led')
    if group is None:
        t2, s2 = None, (None, None, a2, None, ())
    else:
        sure, maybe, gaps, traces = [], [], [], []
        for one in group:
            v2_0 = text_of(one.get('geology_role'))
            t2_0 = None if v2_0 is None else v2_0 == 'lead'
            own = [(t2_0, v2_0, 'lead', None)]
            traces.append(own)
            if t2_0 is False:
                continue
            (sure if t2_0 else maybe).append(1)
        low = len(sure)
        high = low + len(maybe)
        if a2 is None:
            t2 = None
        elif low == high:
            t2 = low >= a2
        else:
            t2 = True if low >= a2 else False if high is not None and not high >= a2 else None
        s2 = (t2, Seen(low, high), a2, traces, gaps)
    t0 = True if t1 is True or t2 is True else None if t1 is None or t2 is None else False
    found.append((t0, [t0, (t1, v1, ('general', 'fund_economic'), None), s2]))

    # category_fits
    v1 = text_of(get('review_kind'))
    t1 = None if v1 is None else v1 == 'general'
    group = entries_of(get('specialties'))
    if group is None:
        t2, s2 = None, (None, None, None, None)
    else:
        t2, traces = False, []
        for one in group:
            v2_0 = text_of(one.get('code'))
            a2_0 = params.get('geology_specialties')
            t2_0 = None if v2_0 is None or a2_0 is None else v2_0.startswith(a2_0)
            own = [(t2_0, v2_0, a2_0, None)]
            traces.append(own)
            if t2_0 is True:
                t2 = True
            elif t2_0 is None and t2 is False:
                t2 = None
        s2 = (t2, len(group), None, traces)
    t0 = True if t1 is True or t2 is True else None if t1 is None or t2 is None else False
    found.append((t0, [t0, (t1, v1, 'general', None), s2]))

    # field_fitness
    v1 = text_of(get('review_kind'))
    t1 = None if v1 is None else v1 in ('general', 'fund_economic')
    v2 = boolean_of(get('fit_for_field'))
    t2 = v2
    t0 = True if t1 is True or t2 is True else None if t1 is None or t2 is None else False
    found.append((t0, [t0, (t1, v1, ('general', 'fund_economic'), None), (t2, v2, True, None)]))

    # no_criminal_punishment
    v0 = boolean_of(get('criminal_punishment'))
    t0 = None if v0 is None else not v0
    found.append((t0, [(t0, v0, False, None)]))

    # not_dismissed
    v0 = boolean_of(get('dismissed_from_office'))
    t0 = None if v0 is None else not v0
    found.append((t0, [(t0, v0, False, None)]))

    # not_barred
    v0 = boolean_of(get('barred_from_evaluation'))
    t0 = None if v0 is None else not v0
    found.append((t0, [(t0, v0, False, None)]))

    # not_discredited
    v0 = boolean_of(get('serious_discredit'))
    t0 = None if v0 is None else not v0
    found.append((t0, [(t0, v0, False, None)]))

    # not_blacklisted
    v0 = boolean_of(get('blacklisted'))
    t0 = None if v0 is None else not v0
    found.append((t0, [(t0, v0, False, None)]))

    # independent
    v1 = boolean_of(get('works_for_supervisor'))
    t1 = v1
    v2 = boolean_of(get('works_for_centre'))
    t2 = v2
    t0 = False if t1 is True or t2 is True else None if t1 is None or t2 is None else True
    found.append((t0, [t0, (t1, v1, True, None), (t2, v2, True, None)]))

    # paid_by_rule
    v0 = boolean_of(get('civil_servant'))
    t0 = None if v0 is None else not v0
    found.append((t0, [(t0, v0, False, None)]))
    return found


def transport(facts, params, on):
    get, found = facts.get, []

    # citizen
    v0 = boolean_of(get('citizen_capacity'))
    t0 = v0
    found.append((t0, [(t0, v0, True, None)]))

    # age
    v0 = as_number(get('age'))
    a0 = params.get('age_limit')
    t0 = None if v0 is None or a0 is None else v0 <= a0
    found.append((t0, [(t0, v0, a0, None)]))

    # healthy
    v0 = boolean_of(get('healthy'))
    t0 = v0
    found.append((t0, [(t0, v0, True, None)]))

    # electronic_evaluation
    v0 = boolean_of(get('electronic_evaluation'))
    t0 = v0
    found.append((t0, [(t0, v0, True, None)]))

    # title
    v1 = text_of(get('title_level'))
    t1 = None if v1 is None else v1 in ('full_senior', 'associate_senior')
    v2 = text_of(get('qualification_level'))
    t2 = None if v2 is None else v2 in ('ungraded', 'grade_one')
    t0 = True if t1 is True or t2 is True else None if t1 is None or t2 is None else False
    found.append((t0, [t0, (t1, v1, ('full_senior', 'associate_senior'), None), (t2, v2, ('ungraded', 'grade_one'), None)]))

    # years
    group = entries_of(get('work_periods'))
    a0 = params.get('years_needed')
    if group is None:
        t0, s0 = None, (None, None, a0, None, ())
    else:
        sure, maybe, gaps, traces = [], [], [], []
        for at, one in enumerate(group):
            v0_0 = text_of(one.get('work_field'))
            t0_0 = None if v0_0 is None else v0_0 == 'transport'
            own = [(t0_0, v0_0, 'transport', None)]
            traces.append(own)
            if t0_0 is False:
                continue
            value = span(one.get('months'), on)
            if value is None:
                gaps.append(at)
            elif t0_0:
                sure.append(value)
            else:
                maybe.append(value)
        low = months_union(sure)
        high = None if gaps else months_union(sure + maybe) if maybe else low
        if a0 is None:
            t0 = None
        elif low == high:
            t0 = low >= a0 * 12
        else:
            t0 = True if low >= a0 * 12 else False if high is not None and not high >= a0 * 12 else None
        s0 = (t0, Seen(low, high), a0, traces, gaps)
    found.append((t0, [s0]))

    # no_penalty_declared
    v0 = boolean_of(get('admin_penalty'))
    t0 = None if v0 is None else not v0
    found.append((t0, [(t0, v0, False, None)]))

    # no_penalty_on_record
    group = entries_of(get('penalties'))
    if group is None:
        t0, s0 = None, (None, None, 0, None, ())
    else:
        sure, maybe, gaps, traces = [], [], [], []
        for one in group:
            v0_1 = text_of(one.get('kind'))
            t0_1 = None if v0_1 is None else v0_1 == '行政处罚'
            v0_2 = as_date(one.get('decided_on'))
            a0_2d = as_date(get('applied_on'))
            a0_2y = params.get('clean_years')
            a0_2 = before(a0_2d, a0_2y)
            t0_2 = None if v0_2 is None or a0_2 is None else v0_2 > a0_2
            t0_0 = False if t0_1 is False or t0_2 is False else None if t0_1 is None or t0_2 is None else True
            own = [t0_0, (t0_1, v0_1, '行政处罚', None), (t0_2, v0_2, a0_2, None)]
            traces.append(own)
            if t0_0 is False:
                continue
            (sure if t0_0 else maybe).append(1)
        low = len(sure)
        high = low + len(maybe)
        if low == high:
            t0 = low == 0
        else:
            t0 = False if low > 0 or (high is not None and high < 0) else None
        s0 = (t0, Seen(low, high), 0, traces, gaps)
    found.append((t0, [s0]))

    # projects
    group = entries_of(get('highway_projects'))
    a0 = params.get('projects_needed')
    if group is None:
        t0, s0 = None, (None, None, a0, None, ())
    else:
        sure, maybe, gaps, traces = [], [], [], []
        for one in group:
            v0_0 = text_of(one.get('highway_role'))
            t0_0 = None if v0_0 is None else v0_0 in ('lead', 'key')
            own = [(t0_0, v0_0, ('lead', 'key'), None)]
            traces.append(own)
            if t0_0 is False:
                continue
            (sure if t0_0 else maybe).append(1)
        low = len(sure)
        high = low + len(maybe)
        if a0 is None:
            t0 = None
        elif low == high:
            t0 = low >= a0
        else:
            t0 = True if low >= a0 else False if high is not None and not high >= a0 else None
        s0 = (t0, Seen(low, high), a0, traces, gaps)
    found.append((t0, [s0]))

    # unit_opinion
    v1 = text_of(get('employment_status'))
    t1 = None if v1 is None else v1 != 'employed'
    v2 = boolean_of(get('unit_agrees'))
    t2 = v2
    t0 = True if t1 is True or t2 is True else None if t1 is None or t2 is None else False
    found.append((t0, [t0, (t1, v1, 'employed', None), (t2, v2, True, None)]))

    # no_criminal_punishment
    v0 = boolean_of(get('criminal_punishment'))
    t0 = None if v0 is None else not v0
    found.append((t0, [(t0, v0, False, None)]))

    # not_dismissed
    v0 = boolean_of(get('dismissed_from_office'))
    t0 = None if v0 is None else not v0
    found.append((t0, [(t0, v0, False, None)]))

    # not_barred
    v0 = boolean_of(get('barred_from_evaluation'))
    t0 = None if v0 is None else not v0
    found.append((t0, [(t0, v0, False, None)]))

    # not_discredited
    v0 = boolean_of(get('serious_discredit'))
    t0 = None if v0 is None else not v0
    found.append((t0, [(t0, v0, False, None)]))

    # not_blacklisted
    v0 = boolean_of(get('blacklisted'))
    t0 = None if v0 is None else not v0
    found.append((t0, [(t0, v0, False, None)]))

    # independent
    v1 = boolean_of(get('works_for_supervisor'))
    t1 = v1
    v2 = boolean_of(get('works_for_centre'))
    t2 = v2
    t0 = False if t1 is True or t2 is True else None if t1 is None or t2 is None else True
    found.append((t0, [t0, (t1, v1, True, None), (t2, v2, True, None)]))

    # paid_by_rule
    v0 = boolean_of(get('civil_servant'))
    t0 = None if v0 is None else not v0
    found.append((t0, [(t0, v0, False, None)]))
    return found


def water(facts, params, on):
    get, found = facts.get, []

    # citizen
    v0 = boolean_of(get('citizen_capacity'))
    t0 = v0
    found.append((t0, [(t0, v0, True, None)]))

    # age
    v0 = as_number(get('age'))
    a0 = params.get('age_limit')
    t0 = None if v0 is None or a0 is None else v0 <= a0
    found.append((t0, [(t0, v0, a0, None)]))

    # healthy
    v0 = boolean_of(get('healthy'))
    t0 = v0
    found.append((t0, [(t0, v0, True, None)]))

    # electronic_evaluation
    v0 = boolean_of(get('electronic_evaluation'))
    t0 = v0
    found.append((t0, [(t0, v0, True, None)]))

    # title
    v1 = text_of(get('title_level'))
    t1 = None if v1 is None else v1 in ('full_senior', 'associate_senior')
    v2 = text_of(get('qualification_level'))
    t2 = None if v2 is None else v2 in ('ungraded', 'grade_one')
    t0 = True if t1 is True or t2 is True else None if t1 is None or t2 is None else False
    found.append((t0, [t0, (t1, v1, ('full_senior', 'associate_senior'), None), (t2, v2, ('ungraded', 'grade_one'), None)]))

    # years
    group = entries_of(get('work_periods'))
    a0 = params.get('years_needed')
    if group is None:
        t0, s0 = None, (None, None, a0, None, ())
    else:
        sure, maybe, gaps, traces = [], [], [], []
        for at, one in enumerate(group):
            v0_0 = text_of(one.get('work_field'))
            t0_0 = None if v0_0 is None else v0_0 == 'water'
            own = [(t0_0, v0_0, 'water', None)]
            traces.append(own)
            if t0_0 is False:
                continue
            value = span(one.get('months'), on)
            if value is None:
                gaps.append(at)
            elif t0_0:
                sure.append(value)
            else:
                maybe.append(value)
        low = months_union(sure)
        high = None if gaps else months_union(sure + maybe) if maybe else low
        if a0 is None:
            t0 = None
        elif low == high:
            t0 = low >= a0 * 12
        else:
            t0 = True if low >= a0 * 12 else False if high is not None and not high >= a0 * 12 else None
        s0 = (t0, Seen(low, high), a0, traces, gaps)
    found.append((t0, [s0]))

    # projects
    group = entries_of(get('water_projects'))
    a0 = params.get('projects_needed')
    if group is None:
        t0, s0 = None, (None, None, a0, None, ())
    else:
        sure, maybe, gaps, traces = [], [], [], []
        for one in group:
            v0_0 = text_of(one.get('water_role'))
            t0_0 = None if v0_0 is None else v0_0 in ('lead', 'key')
            own = [(t0_0, v0_0, ('lead', 'key'), None)]
            traces.append(own)
            if t0_0 is False:
                continue
            (sure if t0_0 else maybe).append(1)
        low = len(sure)
        high = low + len(maybe)
        if a0 is None:
            t0 = None
        elif low == high:
            t0 = low >= a0
        else:
            t0 = True if low >= a0 else False if high is not None and not high >= a0 else None
        s0 = (t0, Seen(low, high), a0, traces, gaps)
    found.append((t0, [s0]))

    # no_criminal_punishment
    v0 = boolean_of(get('criminal_punishment'))
    t0 = None if v0 is None else not v0
    found.append((t0, [(t0, v0, False, None)]))

    # not_dismissed
    v0 = boolean_of(get('dismissed_from_office'))
    t0 = None if v0 is None else not v0
    found.append((t0, [(t0, v0, False, None)]))

    # not_barred
    v0 = boolean_of(get('barred_from_evaluation'))
    t0 = None if v0 is None else not v0
    found.append((t0, [(t0, v0, False, None)]))

    # not_discredited
    v0 = boolean_of(get('serious_discredit'))
    t0 = None if v0 is None else not v0
    found.append((t0, [(t0, v0, False, None)]))

    # not_blacklisted
    v0 = boolean_of(get('blacklisted'))
    t0 = None if v0 is None else not v0
    found.append((t0, [(t0, v0, False, None)]))

    # independent
    v1 = boolean_of(get('works_for_supervisor'))
    t1 = v1
    v2 = boolean_of(get('works_for_centre'))
    t2 = v2
    t0 = False if t1 is True or t2 is True else None if t1 is None or t2 is None else True
    found.append((t0, [t0, (t1, v1, True, None), (t2, v2, True, None)]))

    # paid_by_rule
    v0 = boolean_of(get('civil_servant'))
    t0 = None if v0 is None else not v0
    found.append((t0, [(t0, v0, False, None)]))
    return found
