"""督办任务 (Tasks)

* 新建登记表“督办任务”，13 个字段 / new register “Tasks” of 13 fields

Revision: centre_tasks_01, after None.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations.registers import making

revision = 'centre_tasks_01'
down_revision = None
branch_labels = None
depends_on = None

TABLE = 'register_centre_tasks'
DOCUMENT = '''{
 "basis": [
  {
   "article": "六",
   "reg": "NM-72-2021"
  }
 ],
 "checks": [
  {
   "id": "ends-after-begin",
   "message": {
    "en": "The deadline is before the start; check the dates.",
    "zh": "完成时限早于开始日期，请核对。"
   },
   "rule": {
    "fact": "begins_on",
    "is": "on_or_before",
    "value": {
     "fact": "deadline"
    }
   },
   "title": {
    "en": "Deadline after the start",
    "zh": "时限在开始之后"
   }
  },
  {
   "id": "helper-is-another",
   "message": {
    "en": "The lead cannot be a helper too.",
    "zh": "协助人不能就是牵头人。"
   },
   "rule": {
    "all": [
     {
      "any": [
       {
        "not": {
         "fact": "helper",
         "is": "is_known"
        }
       },
       {
        "fact": "helper",
        "is": "ne",
        "value": {
         "fact": "lead"
        }
       }
      ]
     },
     {
      "any": [
       {
        "not": {
         "fact": "second_helper",
         "is": "is_known"
        }
       },
       {
        "fact": "second_helper",
        "is": "ne",
        "value": {
         "fact": "lead"
        }
       }
      ]
     }
    ]
   },
   "title": {
    "en": "Helpers are others",
    "zh": "协助人是别人"
   }
  }
 ],
 "edit": {
  "roles": [
   "coordinator",
   "department_admin",
   "platform_admin"
  ]
 },
 "fields": [
  {
   "id": "title",
   "kind": "text",
   "label": {
    "en": "Task",
    "zh": "任务"
   },
   "max_length": 150
  },
  {
   "help": {
    "en": "The document and article, or the meeting and its day.",
    "zh": "文件和条款，或者会议和日期。"
   },
   "id": "source",
   "kind": "text",
   "label": {
    "en": "Comes from",
    "zh": "任务来源"
   },
   "max_length": 200,
   "required": false
  },
  {
   "id": "urgency",
   "kind": "choice",
   "label": {
    "en": "Urgency",
    "zh": "缓急"
   },
   "options": [
    {
     "label": {
      "en": "Normal",
      "zh": "一般"
     },
     "value": "normal"
    },
    {
     "label": {
      "en": "Urgent",
      "zh": "急"
     },
     "value": "urgent"
    }
   ]
  },
  {
   "id": "lead",
   "kind": "staff",
   "label": {
    "en": "Lead",
    "zh": "牵头人"
   }
  },
  {
   "id": "lead_department",
   "kind": "department",
   "label": {
    "en": "Lead department",
    "zh": "牵头部门"
   }
  },
  {
   "id": "helper",
   "kind": "staff",
   "label": {
    "en": "Helper",
    "zh": "协助人"
   },
   "required": false
  },
  {
   "id": "second_helper",
   "kind": "staff",
   "label": {
    "en": "Second helper",
    "zh": "协助人（二）"
   },
   "required": false
  },
  {
   "id": "begins_on",
   "kind": "date",
   "label": {
    "en": "Begins",
    "zh": "开始日期"
   }
  },
  {
   "id": "deadline",
   "kind": "date",
   "label": {
    "en": "Deadline",
    "zh": "完成时限"
   }
  },
  {
   "id": "content",
   "kind": "long_text",
   "label": {
    "en": "What is asked",
    "zh": "要求"
   },
   "max_length": 2000,
   "required": false
  },
  {
   "fields": [
    {
     "id": "noted_on",
     "kind": "date",
     "label": {
      "en": "Day",
      "zh": "日期"
     },
     "max": "today"
    },
    {
     "id": "note",
     "kind": "text",
     "label": {
      "en": "Note",
      "zh": "进展情况"
     },
     "max_length": 500
    }
   ],
   "help": {
    "en": "In order of time, the latest last.",
    "zh": "按时间记，最近的写在最后。"
   },
   "id": "progress",
   "kind": "group",
   "label": {
    "en": "Progress",
    "zh": "进展"
   },
   "max_entries": 100,
   "min_entries": 0,
   "required": false
  },
  {
   "id": "result",
   "kind": "long_text",
   "label": {
    "en": "Result",
    "zh": "完成情况"
   },
   "max_length": 2000,
   "required": false
  },
  {
   "accept": [
    "pdf",
    "jpg",
    "png",
    "docx",
    "xlsx"
   ],
   "id": "papers",
   "kind": "file",
   "label": {
    "en": "Papers",
    "zh": "材料"
   },
   "max_count": 10,
   "required": false
  }
 ],
 "filters": [
  "state",
  "lead",
  "lead_department",
  "urgency"
 ],
 "help": {
  "en": "What documents and meetings ask of the departments. Each names a lead, helpers and a deadline, and is over when a second person has confirmed it.",
  "zh": "文件和会议分给各部门的事。写明牵头人、协助人和完成时限；做完由另一个人确认才算办结。"
 },
 "id": "tasks",
 "keep_years": 5,
 "list": [
  "title",
  "lead",
  "lead_department",
  "urgency",
  "deadline",
  "state"
 ],
 "menu": "my_work",
 "order": "deadline",
 "scope": "platform",
 "search": [
  "title",
  "source"
 ],
 "states": {
  "moves": [
   {
    "by": {
     "roles": [
      "first_reviewer",
      "second_reviewer",
      "coordinator",
      "department_admin",
      "platform_admin"
     ]
    },
    "from": "open",
    "id": "begin",
    "title": {
     "en": "Begin",
     "zh": "开始办理"
    },
    "to": "working"
   },
   {
    "by": {
     "roles": [
      "first_reviewer",
      "second_reviewer",
      "coordinator",
      "department_admin",
      "platform_admin"
     ]
    },
    "from": [
     "open",
     "working"
    ],
    "id": "finish",
    "message": {
     "en": "Fill in the result first.",
     "zh": "请先填写完成情况。"
    },
    "title": {
     "en": "Done",
     "zh": "完成"
    },
    "to": "done",
    "when": {
     "fact": "result",
     "is": "is_known"
    }
   },
   {
    "by": {
     "roles": [
      "coordinator",
      "department_admin",
      "platform_admin"
     ]
    },
    "from": "done",
    "id": "again",
    "needs_reason": true,
    "title": {
     "en": "Not done yet",
     "zh": "未完成，退回"
    },
    "to": "working"
   },
   {
    "by": {
     "roles": [
      "coordinator",
      "department_admin",
      "platform_admin"
     ]
    },
    "from": "done",
    "id": "confirm",
    "second_person": true,
    "title": {
     "en": "Confirm",
     "zh": "确认办结"
    },
    "to": "confirmed"
   },
   {
    "by": {
     "roles": [
      "coordinator",
      "department_admin",
      "platform_admin"
     ]
    },
    "from": [
     "open",
     "working"
    ],
    "id": "drop",
    "needs_reason": true,
    "title": {
     "en": "Drop",
     "zh": "取消"
    },
    "to": "dropped"
   }
  ],
  "states": [
   {
    "id": "open",
    "title": {
     "en": "Not begun",
     "zh": "未开始"
    },
    "warn_after": {
     "basis": {
      "article": "督办",
      "reg": "PLATFORM-DEFAULT"
     },
     "value": 3,
     "verified": false
    },
    "within": {
     "basis": {
      "article": "督办",
      "reg": "PLATFORM-DEFAULT"
     },
     "value": 5,
     "verified": false
    }
   },
   {
    "id": "working",
    "title": {
     "en": "Under way",
     "zh": "办理中"
    }
   },
   {
    "id": "done",
    "title": {
     "en": "Done, to confirm",
     "zh": "已完成，待确认"
    },
    "within": {
     "basis": {
      "article": "督办",
      "reg": "PLATFORM-DEFAULT"
     },
     "value": 5,
     "verified": false
    }
   },
   {
    "editable": false,
    "final": true,
    "id": "confirmed",
    "title": {
     "en": "Confirmed",
     "zh": "已办结"
    }
   },
   {
    "editable": false,
    "final": true,
    "id": "dropped",
    "title": {
     "en": "Dropped",
     "zh": "已取消"
    }
   }
  ]
 },
 "title": {
  "en": "Tasks",
  "zh": "督办任务"
 },
 "view": {
  "roles": [
   "first_reviewer",
   "second_reviewer",
   "coordinator",
   "rule_editor",
   "rule_publisher",
   "department_admin",
   "platform_admin"
  ]
 }
}'''


def upgrade() -> None:
    op.create_table(
        TABLE,
        *making.row_columns(),
        sa.Column('title', sa.String(length=150), nullable=True, comment='任务'),
        sa.Column('source', sa.String(length=200), nullable=True, comment='任务来源'),
        sa.Column('urgency', sa.String(length=100), nullable=True, comment='缓急'),
        sa.Column('lead_id', sa.Integer(), nullable=True, comment='牵头人'),
        sa.Column('lead_department_code', sa.String(length=40), nullable=True, comment='牵头部门'),
        sa.Column('helper_id', sa.Integer(), nullable=True, comment='协助人'),
        sa.Column('second_helper_id', sa.Integer(), nullable=True, comment='协助人（二）'),
        sa.Column('begins_on', sa.Date(), nullable=True, comment='开始日期'),
        sa.Column('deadline', sa.Date(), nullable=True, comment='完成时限'),
        sa.Column('content', sa.Text(), nullable=True, comment='要求'),
        sa.Column('progress', postgresql.JSONB(), nullable=True, comment='进展'),
        sa.Column('result', sa.Text(), nullable=True, comment='完成情况'),
        sa.Column('papers', postgresql.JSONB(), nullable=True, comment='材料'),
        *making.row_constraints(TABLE),
        comment='督办任务',
    )
    op.create_foreign_key('fk_register_centre_tasks_lead_id', 'register_centre_tasks', 'ab_user', ['lead_id'], ['id'])
    op.create_foreign_key('fk_register_centre_tasks_lead_department_code', 'register_centre_tasks', 'department', ['lead_department_code'], ['code'])
    op.create_foreign_key('fk_register_centre_tasks_helper_id', 'register_centre_tasks', 'ab_user', ['helper_id'], ['id'])
    op.create_foreign_key('fk_register_centre_tasks_second_helper_id', 'register_centre_tasks', 'ab_user', ['second_helper_id'], ['id'])
    op.create_index('ix_register_centre_tasks_lead_id', 'register_centre_tasks', ['lead_id', 'id'])
    op.create_index('ix_register_centre_tasks_lead_department_code', 'register_centre_tasks', ['lead_department_code', 'id'])
    op.create_index('ix_register_centre_tasks_urgency', 'register_centre_tasks', ['urgency', 'id'])
    op.create_index('ix_register_centre_tasks_title', 'register_centre_tasks', ['title', 'id'])
    op.create_index('ix_register_centre_tasks_source', 'register_centre_tasks', ['source', 'id'])
    op.create_index('ix_register_centre_tasks_deadline', 'register_centre_tasks', ['deadline', 'id'])
    op.create_index('ix_register_centre_tasks_helper_id', 'register_centre_tasks', ['helper_id', 'id'])
    op.create_index('ix_register_centre_tasks_second_helper_id', 'register_centre_tasks', ['second_helper_id', 'id'])
    making.searched(TABLE, ['title', 'source'])
    making.row_indexes(TABLE)
    making.wall(TABLE, scope='platform')
    making.witnessed(TABLE)
    making.define('centre', 'tasks', TABLE, DOCUMENT, '2f8aa7c7e4380b97e5e32954ba7c714beb8a471431d5b8c1a2bb15075cc7169d', revision, [])


def downgrade() -> None:
    making.undefine(TABLE)
