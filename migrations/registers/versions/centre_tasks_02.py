"""督办任务 (Tasks)

* 文字、权限或规则有改动，数据表不变 / words, permissions or rules change; the table stays as it is

Revision: centre_tasks_02, after centre_tasks_01.
"""

from __future__ import annotations

import sqlalchemy as sa  # noqa: F401
from alembic import op  # noqa: F401
from sqlalchemy.dialects import postgresql  # noqa: F401

from migrations.registers import making

revision = 'centre_tasks_02'
down_revision = 'centre_tasks_01'
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
    },
    "until": "deadline",
    "warn_before": {
     "basis": {
      "article": "督办",
      "reg": "PLATFORM-DEFAULT"
     },
     "value": 3,
     "verified": false
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
    making.define('centre', 'tasks', TABLE, DOCUMENT, '349b5e3519058d0e67c8b577cd441e35822f5f5e83c9755700f9a8ba6e7f6400', revision, [])


def downgrade() -> None:
    making.define('centre', 'tasks', TABLE, '{"basis": [{"article": "六", "reg": "NM-72-2021"}], "checks": [{"id": "ends-after-begin", "message": {"en": "The deadline is before the start; check the dates.", "zh": "完成时限早于开始日期，请核对。"}, "rule": {"fact": "begins_on", "is": "on_or_before", "value": {"fact": "deadline"}}, "title": {"en": "Deadline after the start", "zh": "时限在开始之后"}}, {"id": "helper-is-another", "message": {"en": "The lead cannot be a helper too.", "zh": "协助人不能就是牵头人。"}, "rule": {"all": [{"any": [{"not": {"fact": "helper", "is": "is_known"}}, {"fact": "helper", "is": "ne", "value": {"fact": "lead"}}]}, {"any": [{"not": {"fact": "second_helper", "is": "is_known"}}, {"fact": "second_helper", "is": "ne", "value": {"fact": "lead"}}]}]}, "title": {"en": "Helpers are others", "zh": "协助人是别人"}}], "edit": {"roles": ["coordinator", "department_admin", "platform_admin"]}, "fields": [{"id": "title", "kind": "text", "label": {"en": "Task", "zh": "任务"}, "max_length": 150}, {"help": {"en": "The document and article, or the meeting and its day.", "zh": "文件和条款，或者会议和日期。"}, "id": "source", "kind": "text", "label": {"en": "Comes from", "zh": "任务来源"}, "max_length": 200, "required": false}, {"id": "urgency", "kind": "choice", "label": {"en": "Urgency", "zh": "缓急"}, "options": [{"label": {"en": "Normal", "zh": "一般"}, "value": "normal"}, {"label": {"en": "Urgent", "zh": "急"}, "value": "urgent"}]}, {"id": "lead", "kind": "staff", "label": {"en": "Lead", "zh": "牵头人"}}, {"id": "lead_department", "kind": "department", "label": {"en": "Lead department", "zh": "牵头部门"}}, {"id": "helper", "kind": "staff", "label": {"en": "Helper", "zh": "协助人"}, "required": false}, {"id": "second_helper", "kind": "staff", "label": {"en": "Second helper", "zh": "协助人（二）"}, "required": false}, {"id": "begins_on", "kind": "date", "label": {"en": "Begins", "zh": "开始日期"}}, {"id": "deadline", "kind": "date", "label": {"en": "Deadline", "zh": "完成时限"}}, {"id": "content", "kind": "long_text", "label": {"en": "What is asked", "zh": "要求"}, "max_length": 2000, "required": false}, {"fields": [{"id": "noted_on", "kind": "date", "label": {"en": "Day", "zh": "日期"}, "max": "today"}, {"id": "note", "kind": "text", "label": {"en": "Note", "zh": "进展情况"}, "max_length": 500}], "help": {"en": "In order of time, the latest last.", "zh": "按时间记，最近的写在最后。"}, "id": "progress", "kind": "group", "label": {"en": "Progress", "zh": "进展"}, "max_entries": 100, "min_entries": 0, "required": false}, {"id": "result", "kind": "long_text", "label": {"en": "Result", "zh": "完成情况"}, "max_length": 2000, "required": false}, {"accept": ["pdf", "jpg", "png", "docx", "xlsx"], "id": "papers", "kind": "file", "label": {"en": "Papers", "zh": "材料"}, "max_count": 10, "required": false}], "filters": ["state", "lead", "lead_department", "urgency"], "help": {"en": "What documents and meetings ask of the departments. Each names a lead, helpers and a deadline, and is over when a second person has confirmed it.", "zh": "文件和会议分给各部门的事。写明牵头人、协助人和完成时限；做完由另一个人确认才算办结。"}, "id": "tasks", "keep_years": 5, "list": ["title", "lead", "lead_department", "urgency", "deadline", "state"], "menu": "my_work", "order": "deadline", "scope": "platform", "search": ["title", "source"], "states": {"moves": [{"by": {"roles": ["first_reviewer", "second_reviewer", "coordinator", "department_admin", "platform_admin"]}, "from": "open", "id": "begin", "title": {"en": "Begin", "zh": "开始办理"}, "to": "working"}, {"by": {"roles": ["first_reviewer", "second_reviewer", "coordinator", "department_admin", "platform_admin"]}, "from": ["open", "working"], "id": "finish", "message": {"en": "Fill in the result first.", "zh": "请先填写完成情况。"}, "title": {"en": "Done", "zh": "完成"}, "to": "done", "when": {"fact": "result", "is": "is_known"}}, {"by": {"roles": ["coordinator", "department_admin", "platform_admin"]}, "from": "done", "id": "again", "needs_reason": true, "title": {"en": "Not done yet", "zh": "未完成，退回"}, "to": "working"}, {"by": {"roles": ["coordinator", "department_admin", "platform_admin"]}, "from": "done", "id": "confirm", "second_person": true, "title": {"en": "Confirm", "zh": "确认办结"}, "to": "confirmed"}, {"by": {"roles": ["coordinator", "department_admin", "platform_admin"]}, "from": ["open", "working"], "id": "drop", "needs_reason": true, "title": {"en": "Drop", "zh": "取消"}, "to": "dropped"}], "states": [{"id": "open", "title": {"en": "Not begun", "zh": "未开始"}, "warn_after": {"basis": {"article": "督办", "reg": "PLATFORM-DEFAULT"}, "value": 3, "verified": false}, "within": {"basis": {"article": "督办", "reg": "PLATFORM-DEFAULT"}, "value": 5, "verified": false}}, {"id": "working", "title": {"en": "Under way", "zh": "办理中"}}, {"id": "done", "title": {"en": "Done, to confirm", "zh": "已完成，待确认"}, "within": {"basis": {"article": "督办", "reg": "PLATFORM-DEFAULT"}, "value": 5, "verified": false}}, {"editable": false, "final": true, "id": "confirmed", "title": {"en": "Confirmed", "zh": "已办结"}}, {"editable": false, "final": true, "id": "dropped", "title": {"en": "Dropped", "zh": "已取消"}}]}, "title": {"en": "Tasks", "zh": "督办任务"}, "view": {"roles": ["first_reviewer", "second_reviewer", "coordinator", "rule_editor", "rule_publisher", "department_admin", "platform_admin"]}}', '2f8aa7c7e4380b97e5e32954ba7c714beb8a471431d5b8c1a2bb15075cc7169d', down_revision, [])
