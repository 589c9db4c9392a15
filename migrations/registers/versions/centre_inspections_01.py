"""代理机构检查 (Agency inspections)

* 新建登记表“代理机构检查”，12 个字段 / new register “Agency inspections” of 12 fields

Revision: centre_inspections_01, after None.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations.registers import making

revision = 'centre_inspections_01'
down_revision = None
branch_labels = None
depends_on = ['centre_agencies_01']

TABLE = 'register_centre_inspections'
DOCUMENT = '''{
 "basis": [
  {
   "article": "二(六)",
   "reg": "NM-67-2018"
  }
 ],
 "checks": [
  {
   "basis": [
    {
     "article": "双随机检查",
     "reg": "PLATFORM-DEFAULT"
    }
   ],
   "id": "two-inspectors",
   "message": {
    "en": "The two inspectors must be two people.",
    "zh": "检查组长和检查人员须是两个人。"
   },
   "rule": {
    "any": [
     {
      "not": {
       "fact": "lead",
       "is": "is_known"
      }
     },
     {
      "not": {
       "fact": "second",
       "is": "is_known"
      }
     },
     {
      "fact": "lead",
      "is": "ne",
      "value": {
       "fact": "second"
      }
     }
    ]
   },
   "title": {
    "en": "Two inspectors",
    "zh": "两人检查"
   },
   "verified": false
  },
  {
   "id": "rectified-after",
   "message": {
    "en": "It was put right before it was inspected; check the dates.",
    "zh": "整改完成日期早于检查日期，请核对。"
   },
   "rule": {
    "any": [
     {
      "not": {
       "fact": "rectified_on",
       "is": "is_known"
      }
     },
     {
      "not": {
       "fact": "inspected_on",
       "is": "is_known"
      }
     },
     {
      "fact": "inspected_on",
      "is": "on_or_before",
      "value": {
       "fact": "rectified_on"
      }
     }
    ]
   },
   "title": {
    "en": "Put right after the inspection",
    "zh": "整改在检查之后"
   }
  },
  {
   "id": "result-fits",
   "message": {
    "en": "No problem found: list none. To be put right or handed on: name at least one problem.",
    "zh": "结论为“未发现问题”时不列问题；限期整改或者移交查处时，至少写明一个问题。"
   },
   "rule": {
    "any": [
     {
      "not": {
       "fact": "result",
       "is": "is_known"
      }
     },
     {
      "all": [
       {
        "fact": "result",
        "is": "eq",
        "value": "good"
       },
       {
        "count": "findings",
        "is": "eq",
        "value": 0
       }
      ]
     },
     {
      "all": [
       {
        "fact": "result",
        "is": "in",
        "value": [
         "rectify",
         "transfer"
        ]
       },
       {
        "count": "findings",
        "is": "ge",
        "value": 1
       }
      ]
     }
    ]
   },
   "title": {
    "en": "The result fits the findings",
    "zh": "结论与问题相符"
   }
  }
 ],
 "edit": {
  "levels": [
   "region"
  ],
  "roles": [
   "coordinator",
   "department_admin"
  ]
 },
 "fields": [
  {
   "id": "agency",
   "kind": "reference",
   "label": {
    "en": "Agency",
    "zh": "代理机构"
   },
   "to": "agencies"
  },
  {
   "id": "cause",
   "kind": "choice",
   "label": {
    "en": "Cause",
    "zh": "检查由来"
   },
   "options": [
    {
     "label": {
      "en": "Yearly random draw",
      "zh": "年度随机抽取"
     },
     "value": "draw"
    },
    {
     "label": {
      "en": "Complaint",
      "zh": "投诉举报"
     },
     "value": "complaint"
    },
    {
     "label": {
      "en": "Special inspection",
      "zh": "专项检查"
     },
     "value": "special"
    }
   ],
   "required": false
  },
  {
   "id": "lead",
   "kind": "staff",
   "label": {
    "en": "Lead inspector",
    "zh": "检查组长"
   },
   "required": false
  },
  {
   "id": "second",
   "kind": "staff",
   "label": {
    "en": "Second inspector",
    "zh": "检查人员"
   },
   "required": false
  },
  {
   "id": "inspected_on",
   "kind": "date",
   "label": {
    "en": "Inspected on",
    "zh": "检查日期"
   },
   "max": "today",
   "required": false
  },
  {
   "id": "projects_seen",
   "kind": "integer",
   "label": {
    "en": "Projects looked at",
    "zh": "抽查项目数"
   },
   "max": 500,
   "min": 0,
   "required": false,
   "unit": {
    "en": "projects",
    "zh": "个"
   }
  },
  {
   "fields": [
    {
     "id": "problem",
     "kind": "text",
     "label": {
      "en": "Problem",
      "zh": "问题"
     },
     "max_length": 300
    },
    {
     "id": "article",
     "kind": "text",
     "label": {
      "en": "Rule and article",
      "zh": "违反的规定和条款"
     },
     "max_length": 120
    },
    {
     "id": "gravity",
     "kind": "choice",
     "label": {
      "en": "Gravity",
      "zh": "轻重"
     },
     "options": [
      {
       "label": {
        "en": "Minor",
        "zh": "一般"
       },
       "value": "minor"
      },
      {
       "label": {
        "en": "Serious",
        "zh": "严重"
       },
       "value": "serious"
      }
     ]
    },
    {
     "id": "demand",
     "kind": "text",
     "label": {
      "en": "What to put right",
      "zh": "整改要求"
     },
     "max_length": 300
    }
   ],
   "help": {
    "en": "One entry for each problem, with the rule and article it breaks. Leave empty when there is none.",
    "zh": "一个问题一条，写明违反的规定和条款。没有问题就不填。"
   },
   "id": "findings",
   "kind": "group",
   "label": {
    "en": "Findings",
    "zh": "发现的问题"
   },
   "max_entries": 50,
   "min_entries": 0,
   "required": false
  },
  {
   "id": "result",
   "kind": "choice",
   "label": {
    "en": "Result",
    "zh": "检查结论"
   },
   "options": [
    {
     "label": {
      "en": "No problem found",
      "zh": "未发现问题"
     },
     "value": "good"
    },
    {
     "label": {
      "en": "Put right in time",
      "zh": "限期整改"
     },
     "value": "rectify"
    },
    {
     "label": {
      "en": "Handed on for punishment",
      "zh": "移交查处"
     },
     "value": "transfer"
    }
   ],
   "required": false
  },
  {
   "help": {
    "en": "Published as it is; no personal data.",
    "zh": "会原样公开，不写个人信息。"
   },
   "id": "summary",
   "kind": "long_text",
   "label": {
    "en": "Summary (public)",
    "zh": "检查情况（公开）"
   },
   "max_length": 1000,
   "required": false
  },
  {
   "id": "rectified_on",
   "kind": "date",
   "label": {
    "en": "Put right on",
    "zh": "整改完成日期"
   },
   "max": "today",
   "required": false
  },
  {
   "id": "rectified_how",
   "kind": "long_text",
   "label": {
    "en": "What was put right (public)",
    "zh": "整改情况（公开）"
   },
   "max_length": 1000,
   "required": false
  },
  {
   "accept": [
    "pdf",
    "jpg",
    "png",
    "docx"
   ],
   "id": "report",
   "kind": "file",
   "label": {
    "en": "Record",
    "zh": "检查记录"
   },
   "max_count": 5,
   "required": false
  }
 ],
 "filters": [
  "state",
  "result",
  "cause",
  "agency"
 ],
 "help": {
  "en": "Made by the yearly random draw, or entered by hand for a special inspection. At least two inspectors.",
  "zh": "年度随机抽取生成，也可以另行立项（专项检查）。检查人员不少于两人。"
 },
 "id": "inspections",
 "keep_years": 10,
 "list": [
  "agency",
  "cause",
  "inspected_on",
  "result",
  "state"
 ],
 "order": "-entered_on",
 "public": {
  "columns": [
   "agency",
   "cause",
   "inspected_on",
   "result"
  ],
  "details": [
   "projects_seen",
   "summary",
   "findings",
   "rectified_on",
   "rectified_how"
  ],
  "filters": [
   "result",
   "inspected_on"
  ],
  "help": {
   "en": "At least a quarter of the agencies in practice are drawn and inspected every year; results are published when closed. Every draw can be checked.",
   "zh": "每年从执业机构中随机抽取不少于四分之一检查，办结后公开。抽取过程可以复核。"
  },
  "order": "-inspected_on",
  "states": [
   "closed"
  ],
  "title": {
   "en": "Results of agency inspections",
   "zh": "代理机构检查结果"
  }
 },
 "scope": "platform",
 "states": {
  "moves": [
   {
    "by": {
     "levels": [
      "region"
     ],
     "roles": [
      "coordinator",
      "department_admin"
     ]
    },
    "from": "drawn",
    "id": "no_problem",
    "message": {
     "en": "Fill in inspectors, day and summary first, with the result 'no problem found'.",
     "zh": "请先填写检查人员、检查日期、检查情况，并把结论填为“未发现问题”。"
    },
    "title": {
     "en": "No problem, close",
     "zh": "未发现问题，办结"
    },
    "to": "closed",
    "when": {
     "all": [
      {
       "fact": "result",
       "is": "eq",
       "value": "good"
      },
      {
       "fact": "inspected_on",
       "is": "is_known"
      },
      {
       "fact": "lead",
       "is": "is_known"
      },
      {
       "fact": "second",
       "is": "is_known"
      },
      {
       "fact": "summary",
       "is": "is_known"
      }
     ]
    }
   },
   {
    "basis": [
     {
      "article": "二(六)",
      "reg": "NM-67-2018"
     }
    ],
    "by": {
     "levels": [
      "region"
     ],
     "roles": [
      "coordinator",
      "department_admin"
     ]
    },
    "from": "drawn",
    "id": "demand",
    "message": {
     "en": "Fill in inspectors, day, findings and result first.",
     "zh": "请先填写检查人员、检查日期、发现的问题和结论。"
    },
    "title": {
     "en": "Demand to put right",
     "zh": "限期整改"
    },
    "to": "rectifying",
    "when": {
     "all": [
      {
       "fact": "result",
       "is": "in",
       "value": [
        "rectify",
        "transfer"
       ]
      },
      {
       "fact": "inspected_on",
       "is": "is_known"
      },
      {
       "fact": "lead",
       "is": "is_known"
      },
      {
       "fact": "second",
       "is": "is_known"
      },
      {
       "count": "findings",
       "is": "ge",
       "value": 1
      }
     ]
    }
   },
   {
    "by": {
     "levels": [
      "region"
     ],
     "roles": [
      "coordinator",
      "department_admin"
     ]
    },
    "from": "rectifying",
    "id": "report_back",
    "message": {
     "en": "Fill in when and how it was put right first.",
     "zh": "请先填写整改完成日期和整改情况。"
    },
    "title": {
     "en": "Report received",
     "zh": "收到整改报告"
    },
    "to": "rectified",
    "when": {
     "all": [
      {
       "fact": "rectified_on",
       "is": "is_known"
      },
      {
       "fact": "rectified_how",
       "is": "is_known"
      }
     ]
    }
   },
   {
    "by": {
     "levels": [
      "region"
     ],
     "roles": [
      "coordinator",
      "department_admin"
     ]
    },
    "from": "rectified",
    "id": "not_yet",
    "needs_reason": true,
    "title": {
     "en": "Not put right, again",
     "zh": "整改不到位，退回"
    },
    "to": "rectifying"
   },
   {
    "by": {
     "levels": [
      "region"
     ],
     "roles": [
      "coordinator",
      "department_admin"
     ]
    },
    "from": "rectified",
    "id": "close",
    "second_person": true,
    "title": {
     "en": "Checked, close",
     "zh": "复查通过，办结"
    },
    "to": "closed"
   }
  ],
  "states": [
   {
    "id": "drawn",
    "title": {
     "en": "To inspect",
     "zh": "待检查"
    },
    "warn_after": {
     "basis": {
      "article": "双随机检查",
      "reg": "PLATFORM-DEFAULT"
     },
     "value": 45,
     "verified": false
    },
    "within": {
     "basis": {
      "article": "双随机检查",
      "reg": "PLATFORM-DEFAULT"
     },
     "value": 60,
     "verified": false
    }
   },
   {
    "id": "rectifying",
    "title": {
     "en": "Being put right",
     "zh": "整改中"
    },
    "warn_after": {
     "basis": {
      "article": "整改期限",
      "reg": "PLATFORM-DEFAULT"
     },
     "value": 10,
     "verified": false
    },
    "within": {
     "basis": {
      "article": "整改期限",
      "reg": "PLATFORM-DEFAULT"
     },
     "value": 15,
     "verified": false
    }
   },
   {
    "id": "rectified",
    "title": {
     "en": "To check again",
     "zh": "待复查"
    },
    "within": {
     "basis": {
      "article": "整改期限",
      "reg": "PLATFORM-DEFAULT"
     },
     "value": 10,
     "verified": false
    }
   },
   {
    "editable": false,
    "final": true,
    "id": "closed",
    "title": {
     "en": "Closed",
     "zh": "已办结"
    }
   }
  ]
 },
 "title": {
  "en": "Agency inspections",
  "zh": "代理机构检查"
 },
 "view": {
  "roles": [
   "first_reviewer",
   "second_reviewer",
   "coordinator",
   "department_admin",
   "platform_admin"
  ]
 }
}'''


def upgrade() -> None:
    op.create_table(
        TABLE,
        *making.row_columns(),
        sa.Column('agency_id', sa.Integer(), nullable=True, comment='代理机构'),
        sa.Column('cause', sa.String(length=100), nullable=True, comment='检查由来'),
        sa.Column('lead_id', sa.Integer(), nullable=True, comment='检查组长'),
        sa.Column('second_id', sa.Integer(), nullable=True, comment='检查人员'),
        sa.Column('inspected_on', sa.Date(), nullable=True, comment='检查日期'),
        sa.Column('projects_seen', sa.BigInteger(), nullable=True, comment='抽查项目数'),
        sa.Column('findings', postgresql.JSONB(), nullable=True, comment='发现的问题'),
        sa.Column('result', sa.String(length=100), nullable=True, comment='检查结论'),
        sa.Column('summary', sa.Text(), nullable=True, comment='检查情况（公开）'),
        sa.Column('rectified_on', sa.Date(), nullable=True, comment='整改完成日期'),
        sa.Column('rectified_how', sa.Text(), nullable=True, comment='整改情况（公开）'),
        sa.Column('report', postgresql.JSONB(), nullable=True, comment='检查记录'),
        *making.row_constraints(TABLE),
        comment='代理机构检查',
    )
    op.create_foreign_key('fk_register_centre_inspections_agency_id', 'register_centre_inspections', 'register_centre_agencies', ['agency_id'], ['id'])
    op.create_foreign_key('fk_register_centre_inspections_lead_id', 'register_centre_inspections', 'ab_user', ['lead_id'], ['id'])
    op.create_foreign_key('fk_register_centre_inspections_second_id', 'register_centre_inspections', 'ab_user', ['second_id'], ['id'])
    op.create_index('ix_register_centre_inspections_result', 'register_centre_inspections', ['result', 'id'])
    op.create_index('ix_register_centre_inspections_cause', 'register_centre_inspections', ['cause', 'id'])
    op.create_index('ix_register_centre_inspections_agency_id', 'register_centre_inspections', ['agency_id', 'id'])
    op.create_index('ix_register_centre_inspections_lead_id', 'register_centre_inspections', ['lead_id', 'id'])
    op.create_index('ix_register_centre_inspections_second_id', 'register_centre_inspections', ['second_id', 'id'])
    making.row_indexes(TABLE)
    making.wall(TABLE, scope='platform', public="state IN ('closed')")
    making.witnessed(TABLE)
    making.define('centre', 'inspections', TABLE, DOCUMENT, '64668a2973f9d09f8dadd4144d5b35048da217055896a2c8a04db5d41226aca0', revision, [])


def downgrade() -> None:
    making.undefine(TABLE)
