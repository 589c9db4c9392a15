"""规则制度和公开文件 (Rules and published documents)

* 新建登记表“规则制度和公开文件”，15 个字段 / new register “Rules and published documents” of 15 fields

Revision: centre_documents_01, after None.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations.registers import making

revision = 'centre_documents_01'
down_revision = None
branch_labels = None
depends_on = None

TABLE = 'register_centre_documents'
DOCUMENT = '''{
 "basis": [
  {
   "article": "三(十)",
   "reg": "NM-67-2018"
  }
 ],
 "checks": [
  {
   "id": "in-force-after-issue",
   "message": {
    "en": "It is in force before it was issued; check the dates.",
    "zh": "施行日期早于发布日期，请核对。"
   },
   "rule": {
    "fact": "issued_on",
    "is": "on_or_before",
    "value": {
     "fact": "in_force_from"
    }
   },
   "title": {
    "en": "In force after issue",
    "zh": "施行不早于发布"
   }
  },
  {
   "id": "ends-after-start",
   "message": {
    "en": "It must end after the day it came into force.",
    "zh": "失效日期应在施行日期之后。"
   },
   "rule": {
    "any": [
     {
      "not": {
       "fact": "in_force_until",
       "is": "is_known"
      }
     },
     {
      "fact": "in_force_until",
      "is": "after",
      "value": {
       "fact": "in_force_from"
      }
     }
    ]
   },
   "title": {
    "en": "Ends after it began",
    "zh": "失效在施行之后"
   }
  },
  {
   "id": "replaced-by-what",
   "message": {
    "en": "It was replaced; choose its successor (enter the new document first when it is not here yet).",
    "zh": "失效方式为“被新文件替代”，请选择替代它的文件；新文件还没登记的，先登记新文件。"
   },
   "rule": {
    "any": [
     {
      "not": {
       "fact": "ending",
       "is": "is_known"
      }
     },
     {
      "fact": "ending",
      "is": "ne",
      "value": "replaced"
     },
     {
      "fact": "successor",
      "is": "is_known"
     }
    ]
   },
   "title": {
    "en": "The successor is named",
    "zh": "替代须写明新文件"
   }
  },
  {
   "id": "ended-when",
   "message": {
    "en": "Fill in the day it ended.",
    "zh": "填了失效方式，请填失效日期。"
   },
   "rule": {
    "any": [
     {
      "not": {
       "fact": "ending",
       "is": "is_known"
      }
     },
     {
      "fact": "in_force_until",
      "is": "is_known"
     }
    ]
   },
   "title": {
    "en": "An end has its day",
    "zh": "失效须有日期"
   }
  }
 ],
 "edit": {
  "levels": [
   "region"
  ],
  "roles": [
   "coordinator",
   "rule_editor",
   "department_admin"
  ]
 },
 "fields": [
  {
   "id": "title",
   "kind": "text",
   "label": {
    "en": "Title",
    "zh": "文件名称"
   },
   "max_length": 150
  },
  {
   "help": {
    "en": "As printed; say so when there is none.",
    "zh": "如“内政办发〔2018〕67号”；没有文号的写“无”。"
   },
   "id": "number",
   "kind": "text",
   "label": {
    "en": "Number",
    "zh": "文号"
   },
   "max_length": 60
  },
  {
   "id": "issuer",
   "kind": "text",
   "label": {
    "en": "Issued by",
    "zh": "制定机关"
   },
   "max_length": 100
  },
  {
   "id": "keeper",
   "kind": "department",
   "label": {
    "en": "Kept by",
    "zh": "负责清理的部门"
   }
  },
  {
   "id": "level",
   "kind": "choice",
   "label": {
    "en": "Rank",
    "zh": "效力级别"
   },
   "options": [
    {
     "label": {
      "en": "Law",
      "zh": "法律"
     },
     "value": "law"
    },
    {
     "label": {
      "en": "Administrative regulation",
      "zh": "行政法规"
     },
     "value": "regulation"
    },
    {
     "label": {
      "en": "Local regulation",
      "zh": "地方性法规、规章"
     },
     "value": "local"
    },
    {
     "label": {
      "en": "Ministry rule",
      "zh": "部门规章和文件"
     },
     "value": "ministry"
    },
    {
     "label": {
      "en": "Document of the region",
      "zh": "自治区规范性文件"
     },
     "value": "region"
    },
    {
     "label": {
      "en": "Platform rule",
      "zh": "平台服务规则"
     },
     "value": "platform"
    }
   ]
  },
  {
   "id": "issued_on",
   "kind": "date",
   "label": {
    "en": "Issued on",
    "zh": "发布日期"
   },
   "max": "today"
  },
  {
   "id": "in_force_from",
   "kind": "date",
   "label": {
    "en": "In force from",
    "zh": "施行日期"
   }
  },
  {
   "help": {
    "en": "Empty when open; filled in at repeal.",
    "zh": "没有有效期的不填；废止、替代时填写。"
   },
   "id": "in_force_until",
   "kind": "date",
   "label": {
    "en": "In force until",
    "zh": "失效日期"
   },
   "required": false
  },
  {
   "help": {
    "en": "As marked on the document.",
    "zh": "与文件落款处标注的一致。"
   },
   "id": "disclosure",
   "kind": "choice",
   "label": {
    "en": "Disclosure",
    "zh": "公开属性"
   },
   "options": [
    {
     "label": {
      "en": "Public",
      "zh": "主动公开"
     },
     "value": "public"
    },
    {
     "label": {
      "en": "On application",
      "zh": "依申请公开"
     },
     "value": "on_request"
    },
    {
     "label": {
      "en": "Internal",
      "zh": "不予公开"
     },
     "value": "internal"
    }
   ]
  },
  {
   "id": "summary",
   "kind": "long_text",
   "label": {
    "en": "What it says",
    "zh": "主要内容"
   },
   "max_length": 1000,
   "required": false
  },
  {
   "id": "source",
   "kind": "text",
   "label": {
    "en": "Address of the text",
    "zh": "原文网址"
   },
   "max_length": 200,
   "pattern": "https?://[A-Za-z0-9.-]{3,100}(/[A-Za-z0-9._~/?=&%-]*)?",
   "pattern_help": {
    "en": "begin with http:// or https://",
    "zh": "以 http:// 或 https:// 开头"
   },
   "required": false
  },
  {
   "accept": [
    "pdf",
    "docx"
   ],
   "id": "text",
   "kind": "file",
   "label": {
    "en": "Text",
    "zh": "原文"
   },
   "max_count": 3,
   "required": false
  },
  {
   "id": "ending",
   "kind": "choice",
   "label": {
    "en": "How it ended",
    "zh": "失效方式"
   },
   "options": [
    {
     "label": {
      "en": "Replaced",
      "zh": "被新文件替代"
     },
     "value": "replaced"
    },
    {
     "label": {
      "en": "Repealed",
      "zh": "宣布废止"
     },
     "value": "repealed"
    },
    {
     "label": {
      "en": "Expired",
      "zh": "有效期满"
     },
     "value": "expired"
    }
   ],
   "required": false
  },
  {
   "id": "successor",
   "kind": "reference",
   "label": {
    "en": "Successor",
    "zh": "替代它的文件"
   },
   "required": false,
   "show_when": {
    "fact": "ending",
    "is": "eq",
    "value": "replaced"
   },
   "to": "documents"
  },
  {
   "help": {
    "en": "The document that ended it.",
    "zh": "宣布废止的文件和日期。"
   },
   "id": "ended_by",
   "kind": "text",
   "label": {
    "en": "Ended by",
    "zh": "废止依据"
   },
   "max_length": 200,
   "required": false,
   "show_when": {
    "fact": "ending",
    "is": "eq",
    "value": "repealed"
   }
  }
 ],
 "filters": [
  "state",
  "level",
  "disclosure",
  "keeper"
 ],
 "help": {
  "en": "Whoever made a rule keeps it in order. What is in force is on the public list; what was replaced names its successor; what is disclosed on application or internal is seen by officers only.",
  "zh": "谁制定、谁清理。现行有效的列入清单对外公布；被替代的写明由哪一件替代；依申请公开和内部文件只列在审核台。"
 },
 "id": "documents",
 "keep_years": 30,
 "list": [
  "title",
  "number",
  "issuer",
  "level",
  "in_force_from",
  "disclosure",
  "state"
 ],
 "order": "-issued_on",
 "public": {
  "columns": [
   "title",
   "number",
   "issuer",
   "level",
   "in_force_from",
   "state"
  ],
  "details": [
   "issued_on",
   "in_force_until",
   "keeper",
   "summary",
   "source",
   "ending",
   "successor",
   "ended_by"
  ],
  "filters": [
   "state",
   "level",
   "issued_on"
  ],
  "help": {
   "en": "Rules of public resource trading and of the expert pool in force in the region. What has ended is listed too, with its successor.",
   "zh": "全区公共资源交易和专家库管理现行有效的规则制度。已失效的也列出，写明由哪一件替代。"
  },
  "order": "-issued_on",
  "search": [
   "title",
   "number",
   "issuer"
  ],
  "states": [
   "in_force",
   "ended"
  ],
  "title": {
   "en": "Rules in force",
   "zh": "现行有效规则制度清单"
  },
  "where": {
   "fact": "disclosure",
   "is": "eq",
   "value": "public"
  }
 },
 "scope": "platform",
 "search": [
  "title",
  "number",
  "issuer"
 ],
 "states": {
  "moves": [
   {
    "by": {
     "levels": [
      "region"
     ],
     "roles": [
      "coordinator",
      "rule_publisher",
      "department_admin"
     ]
    },
    "from": "draft",
    "id": "publish",
    "message": {
     "en": "A document with an end cannot be listed as in force.",
     "zh": "已填失效方式的文件不能列为现行有效。"
    },
    "second_person": true,
    "title": {
     "en": "Checked and listed",
     "zh": "核对无误，列入清单"
    },
    "to": "in_force",
    "when": {
     "not": {
      "fact": "ending",
      "is": "is_known"
     }
    }
   },
   {
    "by": {
     "levels": [
      "region"
     ],
     "roles": [
      "coordinator",
      "rule_publisher",
      "department_admin"
     ]
    },
    "from": "in_force",
    "id": "repeal",
    "message": {
     "en": "Fill in first how and when it ended, and its successor when replaced.",
     "zh": "请先填写失效方式、失效日期（被替代的还有替代它的文件）。"
    },
    "needs_reason": true,
    "title": {
     "en": "Repeal or replace",
     "zh": "废止或者替代"
    },
    "to": "ended",
    "when": {
     "all": [
      {
       "fact": "ending",
       "is": "is_known"
      },
      {
       "fact": "in_force_until",
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
    "from": "ended",
    "id": "restore",
    "needs_reason": true,
    "second_person": true,
    "title": {
     "en": "Ended by mistake",
     "zh": "误列失效，恢复"
    },
    "to": "in_force"
   }
  ],
  "states": [
   {
    "id": "draft",
    "title": {
     "en": "To check",
     "zh": "待核对"
    },
    "within": {
     "basis": {
      "article": "规则制度清单",
      "reg": "PLATFORM-DEFAULT"
     },
     "value": 5,
     "verified": false
    }
   },
   {
    "id": "in_force",
    "title": {
     "en": "In force",
     "zh": "现行有效"
    }
   },
   {
    "editable": false,
    "id": "ended",
    "title": {
     "en": "No longer in force",
     "zh": "已失效"
    }
   }
  ]
 },
 "title": {
  "en": "Rules and published documents",
  "zh": "规则制度和公开文件"
 },
 "unique": [
  [
   "number",
   "title"
  ]
 ],
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
        sa.Column('title', sa.String(length=150), nullable=True, comment='文件名称'),
        sa.Column('number', sa.String(length=60), nullable=True, comment='文号'),
        sa.Column('issuer', sa.String(length=100), nullable=True, comment='制定机关'),
        sa.Column('keeper_code', sa.String(length=40), nullable=True, comment='负责清理的部门'),
        sa.Column('level', sa.String(length=100), nullable=True, comment='效力级别'),
        sa.Column('issued_on', sa.Date(), nullable=True, comment='发布日期'),
        sa.Column('in_force_from', sa.Date(), nullable=True, comment='施行日期'),
        sa.Column('in_force_until', sa.Date(), nullable=True, comment='失效日期'),
        sa.Column('disclosure', sa.String(length=100), nullable=True, comment='公开属性'),
        sa.Column('summary', sa.Text(), nullable=True, comment='主要内容'),
        sa.Column('source', sa.String(length=200), nullable=True, comment='原文网址'),
        sa.Column('text', postgresql.JSONB(), nullable=True, comment='原文'),
        sa.Column('ending', sa.String(length=100), nullable=True, comment='失效方式'),
        sa.Column('successor_id', sa.Integer(), nullable=True, comment='替代它的文件'),
        sa.Column('ended_by', sa.String(length=200), nullable=True, comment='废止依据'),
        *making.row_constraints(TABLE),
        comment='规则制度和公开文件',
    )
    op.create_foreign_key('fk_register_centre_documents_keeper_code', 'register_centre_documents', 'department', ['keeper_code'], ['code'])
    op.create_foreign_key('fk_register_centre_documents_successor_id', 'register_centre_documents', 'register_centre_documents', ['successor_id'], ['id'])
    op.create_index('uq_register_centre_documents_number_title', 'register_centre_documents', ['number', 'title'], unique=True)
    op.create_index('ix_register_centre_documents_level', 'register_centre_documents', ['level', 'id'])
    op.create_index('ix_register_centre_documents_disclosure', 'register_centre_documents', ['disclosure', 'id'])
    op.create_index('ix_register_centre_documents_keeper_code', 'register_centre_documents', ['keeper_code', 'id'])
    op.create_index('ix_register_centre_documents_title', 'register_centre_documents', ['title', 'id'])
    op.create_index('ix_register_centre_documents_number', 'register_centre_documents', ['number', 'id'])
    op.create_index('ix_register_centre_documents_issuer', 'register_centre_documents', ['issuer', 'id'])
    op.create_index('ix_register_centre_documents_issued_on', 'register_centre_documents', ['issued_on', 'id'])
    op.create_index('ix_register_centre_documents_successor_id', 'register_centre_documents', ['successor_id', 'id'])
    making.searched(TABLE, ['title', 'number', 'issuer'])
    making.row_indexes(TABLE)
    making.wall(TABLE, scope='platform', public='state IN (\'in_force\', \'ended\') AND "disclosure" = \'public\'')
    making.witnessed(TABLE)
    making.define('centre', 'documents', TABLE, DOCUMENT, '6a129e570b447f3d41e91e862cb5ba0671825b5f340a5ac3dbc331d53f1b0d88', revision, [])


def downgrade() -> None:
    making.undefine(TABLE)
