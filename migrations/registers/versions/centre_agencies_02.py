"""招标代理机构 (Tendering agencies)

* 文字、权限或规则有改动，数据表不变 / words, permissions or rules change; the table stays as it is

Revision: centre_agencies_02, after centre_agencies_01.
"""

from __future__ import annotations

import sqlalchemy as sa  # noqa: F401
from alembic import op  # noqa: F401
from sqlalchemy.dialects import postgresql  # noqa: F401

from migrations.registers import making

revision = 'centre_agencies_02'
down_revision = 'centre_agencies_01'
branch_labels = None
depends_on = None

TABLE = 'register_centre_agencies'
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
     "article": "二(七)",
     "reg": "NM-67-2018"
    }
   ],
   "id": "rated-has-history",
   "message": {
    "en": "A credit grade is given; say in the credit history when and by whom.",
    "zh": "填了信用等级，请在“信用评价记录”中写明何时、由谁评定。"
   },
   "rule": {
    "any": [
     {
      "fact": "credit_grade",
      "is": "eq",
      "value": "unrated"
     },
     {
      "count": "credit_history",
      "is": "ge",
      "value": 1
     }
    ]
   },
   "title": {
    "en": "A grade has its record",
    "zh": "有等级须有评价记录"
   }
  },
  {
   "basis": [
    {
     "article": "代理机构",
     "reg": "PLATFORM-DEFAULT"
    }
   ],
   "id": "procurement-needs-staff",
   "message": {
    "en": "An agency for government procurement usually has five full-time professionals or more; check whether all are listed.",
    "zh": "代理政府采购的机构一般须有不少于 5 名专职从业人员，请核对人员是否填全。"
   },
   "rule": {
    "any": [
     {
      "not": {
       "fact": "business",
       "is": "contains",
       "value": "procurement"
      }
     },
     {
      "count": "staff",
      "is": "ge",
      "value": 5
     }
    ]
   },
   "severity": "warning",
   "title": {
    "en": "Procurement agencies have five professionals",
    "zh": "政府采购代理须有五名专职人员"
   },
   "verified": false
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
   "help": {
    "en": "In full, as on the business licence.",
    "zh": "与营业执照一致，写全称。"
   },
   "id": "name",
   "kind": "text",
   "label": {
    "en": "Name",
    "zh": "机构名称"
   },
   "max_length": 100
  },
  {
   "help": {
    "en": "18 characters; the check digit is verified.",
    "zh": "18 位，录入时核对校验码。"
   },
   "id": "uscc",
   "kind": "uscc",
   "label": {
    "en": "Unified social credit code",
    "zh": "统一社会信用代码"
   }
  },
  {
   "id": "division",
   "kind": "division",
   "label": {
    "en": "Registered in",
    "zh": "注册地"
   },
   "level": 2
  },
  {
   "id": "legal_person",
   "kind": "text",
   "label": {
    "en": "Legal representative",
    "zh": "法定代表人"
   },
   "max_length": 50
  },
  {
   "id": "contact_name",
   "kind": "text",
   "label": {
    "en": "Contact",
    "zh": "联系人"
   },
   "max_length": 50,
   "required": false
  },
  {
   "help": {
    "en": "For official use, never public; notices of inspections go here.",
    "zh": "只供工作联系，不公开；检查通知发到这里。"
   },
   "id": "contact_phone",
   "kind": "phone",
   "label": {
    "en": "Contact mobile",
    "zh": "联系手机"
   }
  },
  {
   "id": "website",
   "kind": "text",
   "label": {
    "en": "Website",
    "zh": "网址"
   },
   "max_length": 150,
   "pattern": "https?://[A-Za-z0-9.-]{3,100}(/[A-Za-z0-9._~/-]*)?",
   "pattern_help": {
    "en": "begin with http:// or https://",
    "zh": "以 http:// 或 https:// 开头"
   },
   "required": false
  },
  {
   "id": "business",
   "kind": "choices",
   "label": {
    "en": "Scope of business",
    "zh": "代理业务范围"
   },
   "options": [
    {
     "label": {
      "en": "Construction tendering",
      "zh": "工程建设招标"
     },
     "value": "construction"
    },
    {
     "label": {
      "en": "Government procurement",
      "zh": "政府采购"
     },
     "value": "procurement"
    },
    {
     "label": {
      "en": "Land and mining rights",
      "zh": "土地使用权和矿业权出让"
     },
     "value": "land"
    },
    {
     "label": {
      "en": "State property",
      "zh": "国有产权交易"
     },
     "value": "property"
    },
    {
     "label": {
      "en": "Other",
      "zh": "其他"
     },
     "value": "other"
    }
   ]
  },
  {
   "id": "since",
   "kind": "date",
   "label": {
    "en": "In practice since",
    "zh": "开始执业日期"
   },
   "max": "today"
  },
  {
   "fields": [
    {
     "id": "person",
     "kind": "text",
     "label": {
      "en": "Name",
      "zh": "姓名"
     },
     "max_length": 50
    },
    {
     "id": "certificate",
     "kind": "choice",
     "label": {
      "en": "Certificate",
      "zh": "证书"
     },
     "options": [
      {
       "label": {
        "en": "Registered cost engineer",
        "zh": "注册造价工程师"
       },
       "value": "cost_engineer"
      },
      {
       "label": {
        "en": "Consulting engineer",
        "zh": "咨询工程师（投资）"
       },
       "value": "consultant"
      },
      {
       "label": {
        "en": "Registered constructor",
        "zh": "注册建造师"
       },
       "value": "constructor"
      },
      {
       "label": {
        "en": "Supervising engineer",
        "zh": "监理工程师"
       },
       "value": "supervisor"
      },
      {
       "label": {
        "en": "Tendering certificate",
        "zh": "招标采购从业人员（自律）证书"
       },
       "value": "tendering"
      },
      {
       "label": {
        "en": "None",
        "zh": "暂无"
       },
       "value": "none"
      }
     ]
    },
    {
     "id": "certificate_number",
     "kind": "text",
     "label": {
      "en": "Certificate number",
      "zh": "证书编号"
     },
     "max_length": 50,
     "show_when": {
      "fact": "certificate",
      "is": "ne",
      "value": "none"
     }
    },
    {
     "id": "joined",
     "kind": "date",
     "label": {
      "en": "Joined",
      "zh": "入职日期"
     },
     "max": "today"
    }
   ],
   "help": {
    "en": "Only full-time staff; names and certificates are public.",
    "zh": "只列在本机构专职从业的人员；姓名、证书向社会公开。"
   },
   "id": "staff",
   "kind": "group",
   "label": {
    "en": "Professional staff",
    "zh": "专职人员"
   },
   "max_entries": 200,
   "min_entries": 0,
   "required": false
  },
  {
   "help": {
    "en": "Rules on files, separated duties, confidentiality, recusal: names and dates.",
    "zh": "档案管理、岗位分离、保密、回避等制度的名称和施行日期。"
   },
   "id": "internal_control",
   "kind": "long_text",
   "label": {
    "en": "Internal control",
    "zh": "内控制度"
   },
   "max_length": 2000,
   "required": false
  },
  {
   "help": {
    "en": "The latest result; all results are in the credit history below.",
    "zh": "最近一次评价的结果；历次结果写在下面“信用评价记录”中。"
   },
   "id": "credit_grade",
   "kind": "choice",
   "label": {
    "en": "Credit grade",
    "zh": "信用等级"
   },
   "options": [
    {
     "label": {
      "en": "A",
      "zh": "A 级"
     },
     "value": "A"
    },
    {
     "label": {
      "en": "B",
      "zh": "B 级"
     },
     "value": "B"
    },
    {
     "label": {
      "en": "C",
      "zh": "C 级"
     },
     "value": "C"
    },
    {
     "label": {
      "en": "D",
      "zh": "D 级"
     },
     "value": "D"
    },
    {
     "label": {
      "en": "Not rated",
      "zh": "尚未评价"
     },
     "value": "unrated"
    }
   ]
  },
  {
   "fields": [
    {
     "id": "rated_on",
     "kind": "date",
     "label": {
      "en": "Rated on",
      "zh": "评价日期"
     },
     "max": "today"
    },
    {
     "id": "grade",
     "kind": "choice",
     "label": {
      "en": "Grade",
      "zh": "等级"
     },
     "options": [
      {
       "label": {
        "en": "A",
        "zh": "A 级"
       },
       "value": "A"
      },
      {
       "label": {
        "en": "B",
        "zh": "B 级"
       },
       "value": "B"
      },
      {
       "label": {
        "en": "C",
        "zh": "C 级"
       },
       "value": "C"
      },
      {
       "label": {
        "en": "D",
        "zh": "D 级"
       },
       "value": "D"
      }
     ]
    },
    {
     "id": "rated_by",
     "kind": "text",
     "label": {
      "en": "Rated by",
      "zh": "评价单位"
     },
     "max_length": 100
    },
    {
     "id": "reason",
     "kind": "text",
     "label": {
      "en": "Main reason",
      "zh": "主要理由"
     },
     "max_length": 300,
     "required": false
    }
   ],
   "id": "credit_history",
   "kind": "group",
   "label": {
    "en": "Credit history",
    "zh": "信用评价记录"
   },
   "max_entries": 50,
   "min_entries": 0,
   "required": false
  },
  {
   "fields": [
    {
     "id": "decided_on",
     "kind": "date",
     "label": {
      "en": "Decided on",
      "zh": "决定日期"
     },
     "max": "today"
    },
    {
     "id": "decided_by",
     "kind": "text",
     "label": {
      "en": "Decided by",
      "zh": "决定机关"
     },
     "max_length": 100
    },
    {
     "id": "document",
     "kind": "text",
     "label": {
      "en": "Document number",
      "zh": "文书号"
     },
     "max_length": 80,
     "required": false
    },
    {
     "id": "content",
     "kind": "text",
     "label": {
      "en": "Content",
      "zh": "内容"
     },
     "max_length": 500
    }
   ],
   "id": "sanctions",
   "kind": "group",
   "label": {
    "en": "Findings and penalties",
    "zh": "检查、处理和处罚"
   },
   "max_entries": 50,
   "min_entries": 0,
   "required": false
  },
  {
   "id": "licence",
   "kind": "file",
   "label": {
    "en": "Business licence",
    "zh": "营业执照"
   },
   "max_count": 1,
   "required": false
  }
 ],
 "filters": [
  "state",
  "credit_grade",
  "division"
 ],
 "help": {
  "en": "Agencies that work on the trading platform. The directory, staff and credit grade are public; the telephone is for official use only.",
  "zh": "在交易平台开展代理业务的机构。名录、人员和信用等级向社会公开；联系电话只供工作联系。"
 },
 "id": "agencies",
 "keep_years": 10,
 "letters": {
  "bar": {
   "body": {
    "en": "{name}:\\nYou were barred on {today}; the directory shows it to everybody. Reason: {reason}\\nIf you disagree you may ask for administrative reconsideration or go to court. Questions: {office}, {phone} ({hours}).\\n",
    "zh": "{name}：\\n你机构已于{today}列入黑名单，名录中向社会公开。理由：{reason}\\n对决定不服的，可以依法申请行政复议或者提起行政诉讼。咨询：{office}，{phone}（{hours}）。\\n"
   },
   "sms": {
    "en": "{name}: you were barred. Reason and remedies: {office}, {phone}.",
    "zh": "{name}：已列入黑名单，理由和救济途径请与{office}联系 {phone}。"
   },
   "subject": {
    "en": "Barred",
    "zh": "列入黑名单通知"
   },
   "to": "contact_phone"
  },
  "resume": {
   "body": {
    "en": "{name}:\\nYou may work on the trading platform again from {today}. Note: {reason}\\nQuestions: {office}, {phone} ({hours}).\\n",
    "zh": "{name}：\\n自{today}起恢复你机构在交易平台的代理业务。说明：{reason}\\n咨询：{office}，{phone}（{hours}）。\\n"
   },
   "sms": {
    "en": "{name}: you may work on the trading platform again. Questions: {phone}.",
    "zh": "{name}：已恢复在交易平台的代理业务。咨询 {phone}。"
   },
   "subject": {
    "en": "Practice resumed",
    "zh": "恢复执业通知"
   },
   "to": "contact_phone"
  },
  "suspend": {
   "body": {
    "en": "{name}:\\nYour work on the trading platform is suspended from {today}. Reason: {reason}\\nQuestions: {office}, {phone} ({hours}).\\n",
    "zh": "{name}：\\n自{today}起暂停你机构在交易平台的代理业务。理由：{reason}\\n有异议的，请与{office}联系：{phone}（{hours}）。\\n"
   },
   "sms": {
    "en": "{name}: your work on the trading platform is suspended. {office}, {phone}.",
    "zh": "{name}：已暂停在交易平台的代理业务，详情请与{office}联系 {phone}。"
   },
   "subject": {
    "en": "Suspension",
    "zh": "暂停执业通知"
   },
   "to": "contact_phone"
  },
  "unbar": {
   "body": {
    "en": "{name}:\\nThe bar was lifted on {today}; you are suspended until you are told otherwise. Note: {reason}\\nQuestions: {office}, {phone} ({hours}).\\n",
    "zh": "{name}：\\n你机构已于{today}移出黑名单，现为暂停执业，恢复执业另行通知。说明：{reason}\\n咨询：{office}，{phone}（{hours}）。\\n"
   },
   "sms": {
    "en": "{name}: the bar was lifted; you are suspended for now. Questions: {phone}.",
    "zh": "{name}：已移出黑名单，现为暂停执业。咨询 {phone}。"
   },
   "subject": {
    "en": "Bar lifted",
    "zh": "移出黑名单通知"
   },
   "to": "contact_phone"
  }
 },
 "list": [
  "name",
  "uscc",
  "division",
  "credit_grade",
  "business",
  "state"
 ],
 "order": "name",
 "public": {
  "columns": [
   "name",
   "uscc",
   "division",
   "credit_grade",
   "business",
   "state"
  ],
  "details": [
   "legal_person",
   "website",
   "since",
   "internal_control",
   "staff",
   "credit_history",
   "sanctions"
  ],
  "filters": [
   "state",
   "credit_grade",
   "division"
  ],
  "help": {
   "en": "Agencies that work on the public resource trading platform of the region. Search by name or unified social credit code.",
   "zh": "在全区公共资源交易平台开展代理业务的机构。可按名称或者统一社会信用代码查找。"
  },
  "order": "name",
  "search": [
   "name",
   "uscc"
  ],
  "states": [
   "active",
   "suspended",
   "barred"
  ],
  "title": {
   "en": "Directory of tendering agencies",
   "zh": "招标代理机构名录"
  }
 },
 "sample": {
  "basis": [
   {
    "article": "二(六)",
    "reg": "NM-67-2018"
   }
  ],
  "every": "year",
  "into": "inspections",
  "rate": 0.25,
  "states": [
   "active",
   "suspended"
  ]
 },
 "scope": "platform",
 "search": [
  "name",
  "uscc",
  "legal_person"
 ],
 "states": {
  "moves": [
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
    "from": "active",
    "id": "suspend",
    "needs_reason": true,
    "title": {
     "en": "Suspend",
     "zh": "暂停执业"
    },
    "to": "suspended"
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
    "from": "suspended",
    "id": "resume",
    "needs_reason": true,
    "second_person": true,
    "title": {
     "en": "Resume",
     "zh": "恢复执业"
    },
    "to": "active"
   },
   {
    "basis": [
     {
      "article": "二(七)",
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
    "from": [
     "active",
     "suspended"
    ],
    "id": "bar",
    "message": {
     "en": "Enter the decision it rests on under findings and penalties first.",
     "zh": "请先在“检查、处理和处罚”中写明依据的决定，再列入黑名单。"
    },
    "needs_reason": true,
    "second_person": true,
    "title": {
     "en": "Bar",
     "zh": "列入黑名单"
    },
    "to": "barred",
    "when": {
     "count": "sanctions",
     "is": "ge",
     "value": 1
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
    "from": "barred",
    "id": "unbar",
    "needs_reason": true,
    "second_person": true,
    "title": {
     "en": "Lift the bar",
     "zh": "移出黑名单"
    },
    "to": "suspended"
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
    "from": [
     "active",
     "suspended",
     "barred"
    ],
    "id": "close",
    "needs_reason": true,
    "title": {
     "en": "Close",
     "zh": "注销"
    },
    "to": "closed"
   }
  ],
  "states": [
   {
    "id": "active",
    "title": {
     "en": "In practice",
     "zh": "执业"
    }
   },
   {
    "id": "suspended",
    "title": {
     "en": "Suspended",
     "zh": "暂停"
    }
   },
   {
    "id": "barred",
    "title": {
     "en": "Barred",
     "zh": "列入黑名单"
    }
   },
   {
    "editable": false,
    "final": true,
    "id": "closed",
    "title": {
     "en": "Closed",
     "zh": "已注销"
    }
   }
  ]
 },
 "title": {
  "en": "Tendering agencies",
  "zh": "招标代理机构"
 },
 "unique": [
  [
   "uscc"
  ]
 ],
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
    making.define('centre', 'agencies', TABLE, DOCUMENT, '12a5fafd54b5c97f77004cfd6c1487f85c7b676dcc8daa1044db3d1f04e05cd1', revision, [])


def downgrade() -> None:
    making.define('centre', 'agencies', TABLE, '{"basis": [{"article": "二(六)", "reg": "NM-67-2018"}], "checks": [{"basis": [{"article": "二(七)", "reg": "NM-67-2018"}], "id": "rated-has-history", "message": {"en": "A credit grade is given; say in the credit history when and by whom.", "zh": "填了信用等级，请在“信用评价记录”中写明何时、由谁评定。"}, "rule": {"any": [{"fact": "credit_grade", "is": "eq", "value": "unrated"}, {"count": "credit_history", "is": "ge", "value": 1}]}, "title": {"en": "A grade has its record", "zh": "有等级须有评价记录"}}, {"basis": [{"article": "代理机构", "reg": "PLATFORM-DEFAULT"}], "id": "procurement-needs-staff", "message": {"en": "An agency for government procurement usually has five full-time professionals or more; check whether all are listed.", "zh": "代理政府采购的机构一般须有不少于 5 名专职从业人员，请核对人员是否填全。"}, "rule": {"any": [{"not": {"fact": "business", "is": "contains", "value": "procurement"}}, {"count": "staff", "is": "ge", "value": 5}]}, "severity": "warning", "title": {"en": "Procurement agencies have five professionals", "zh": "政府采购代理须有五名专职人员"}, "verified": false}], "edit": {"levels": ["region"], "roles": ["coordinator", "department_admin"]}, "fields": [{"help": {"en": "In full, as on the business licence.", "zh": "与营业执照一致，写全称。"}, "id": "name", "kind": "text", "label": {"en": "Name", "zh": "机构名称"}, "max_length": 100}, {"help": {"en": "18 characters; the check digit is verified.", "zh": "18 位，录入时核对校验码。"}, "id": "uscc", "kind": "uscc", "label": {"en": "Unified social credit code", "zh": "统一社会信用代码"}}, {"id": "division", "kind": "division", "label": {"en": "Registered in", "zh": "注册地"}, "level": 2}, {"id": "legal_person", "kind": "text", "label": {"en": "Legal representative", "zh": "法定代表人"}, "max_length": 50}, {"id": "contact_name", "kind": "text", "label": {"en": "Contact", "zh": "联系人"}, "max_length": 50, "required": false}, {"help": {"en": "For official use, never public; notices of inspections go here.", "zh": "只供工作联系，不公开；检查通知发到这里。"}, "id": "contact_phone", "kind": "phone", "label": {"en": "Contact mobile", "zh": "联系手机"}}, {"id": "website", "kind": "text", "label": {"en": "Website", "zh": "网址"}, "max_length": 150, "pattern": "https?://[A-Za-z0-9.-]{3,100}(/[A-Za-z0-9._~/-]*)?", "pattern_help": {"en": "begin with http:// or https://", "zh": "以 http:// 或 https:// 开头"}, "required": false}, {"id": "business", "kind": "choices", "label": {"en": "Scope of business", "zh": "代理业务范围"}, "options": [{"label": {"en": "Construction tendering", "zh": "工程建设招标"}, "value": "construction"}, {"label": {"en": "Government procurement", "zh": "政府采购"}, "value": "procurement"}, {"label": {"en": "Land and mining rights", "zh": "土地使用权和矿业权出让"}, "value": "land"}, {"label": {"en": "State property", "zh": "国有产权交易"}, "value": "property"}, {"label": {"en": "Other", "zh": "其他"}, "value": "other"}]}, {"id": "since", "kind": "date", "label": {"en": "In practice since", "zh": "开始执业日期"}, "max": "today"}, {"fields": [{"id": "person", "kind": "text", "label": {"en": "Name", "zh": "姓名"}, "max_length": 50}, {"id": "certificate", "kind": "choice", "label": {"en": "Certificate", "zh": "证书"}, "options": [{"label": {"en": "Registered cost engineer", "zh": "注册造价工程师"}, "value": "cost_engineer"}, {"label": {"en": "Consulting engineer", "zh": "咨询工程师（投资）"}, "value": "consultant"}, {"label": {"en": "Registered constructor", "zh": "注册建造师"}, "value": "constructor"}, {"label": {"en": "Supervising engineer", "zh": "监理工程师"}, "value": "supervisor"}, {"label": {"en": "Tendering certificate", "zh": "招标采购从业人员（自律）证书"}, "value": "tendering"}, {"label": {"en": "None", "zh": "暂无"}, "value": "none"}]}, {"id": "certificate_number", "kind": "text", "label": {"en": "Certificate number", "zh": "证书编号"}, "max_length": 50, "show_when": {"fact": "certificate", "is": "ne", "value": "none"}}, {"id": "joined", "kind": "date", "label": {"en": "Joined", "zh": "入职日期"}, "max": "today"}], "help": {"en": "Only full-time staff; names and certificates are public.", "zh": "只列在本机构专职从业的人员；姓名、证书向社会公开。"}, "id": "staff", "kind": "group", "label": {"en": "Professional staff", "zh": "专职人员"}, "max_entries": 200, "min_entries": 0, "required": false}, {"help": {"en": "Rules on files, separated duties, confidentiality, recusal: names and dates.", "zh": "档案管理、岗位分离、保密、回避等制度的名称和施行日期。"}, "id": "internal_control", "kind": "long_text", "label": {"en": "Internal control", "zh": "内控制度"}, "max_length": 2000, "required": false}, {"help": {"en": "The latest result; all results are in the credit history below.", "zh": "最近一次评价的结果；历次结果写在下面“信用评价记录”中。"}, "id": "credit_grade", "kind": "choice", "label": {"en": "Credit grade", "zh": "信用等级"}, "options": [{"label": {"en": "A", "zh": "A 级"}, "value": "A"}, {"label": {"en": "B", "zh": "B 级"}, "value": "B"}, {"label": {"en": "C", "zh": "C 级"}, "value": "C"}, {"label": {"en": "D", "zh": "D 级"}, "value": "D"}, {"label": {"en": "Not rated", "zh": "尚未评价"}, "value": "unrated"}]}, {"fields": [{"id": "rated_on", "kind": "date", "label": {"en": "Rated on", "zh": "评价日期"}, "max": "today"}, {"id": "grade", "kind": "choice", "label": {"en": "Grade", "zh": "等级"}, "options": [{"label": {"en": "A", "zh": "A 级"}, "value": "A"}, {"label": {"en": "B", "zh": "B 级"}, "value": "B"}, {"label": {"en": "C", "zh": "C 级"}, "value": "C"}, {"label": {"en": "D", "zh": "D 级"}, "value": "D"}]}, {"id": "rated_by", "kind": "text", "label": {"en": "Rated by", "zh": "评价单位"}, "max_length": 100}, {"id": "reason", "kind": "text", "label": {"en": "Main reason", "zh": "主要理由"}, "max_length": 300, "required": false}], "id": "credit_history", "kind": "group", "label": {"en": "Credit history", "zh": "信用评价记录"}, "max_entries": 50, "min_entries": 0, "required": false}, {"fields": [{"id": "decided_on", "kind": "date", "label": {"en": "Decided on", "zh": "决定日期"}, "max": "today"}, {"id": "decided_by", "kind": "text", "label": {"en": "Decided by", "zh": "决定机关"}, "max_length": 100}, {"id": "document", "kind": "text", "label": {"en": "Document number", "zh": "文书号"}, "max_length": 80, "required": false}, {"id": "content", "kind": "text", "label": {"en": "Content", "zh": "内容"}, "max_length": 500}], "id": "sanctions", "kind": "group", "label": {"en": "Findings and penalties", "zh": "检查、处理和处罚"}, "max_entries": 50, "min_entries": 0, "required": false}, {"id": "licence", "kind": "file", "label": {"en": "Business licence", "zh": "营业执照"}, "max_count": 1, "required": false}], "filters": ["state", "credit_grade", "division"], "help": {"en": "Agencies that work on the trading platform. The directory, staff and credit grade are public; the telephone is for official use only.", "zh": "在交易平台开展代理业务的机构。名录、人员和信用等级向社会公开；联系电话只供工作联系。"}, "id": "agencies", "keep_years": 10, "letters": {"suspend": {"body": {"en": "{name}:\\nYour work on the trading platform is suspended from {today}. Reason: {reason}\\nQuestions: {office}, {phone} ({hours}).\\n", "zh": "{name}：\\n自{today}起暂停你机构在交易平台的代理业务。理由：{reason}\\n有异议的，请与{office}联系：{phone}（{hours}）。\\n"}, "sms": {"en": "{name}: your work on the trading platform is suspended. {office}, {phone}.", "zh": "{name}：已暂停在交易平台的代理业务，详情请与{office}联系 {phone}。"}, "subject": {"en": "Suspension", "zh": "暂停执业通知"}, "to": "contact_phone"}}, "list": ["name", "uscc", "division", "credit_grade", "business", "state"], "order": "name", "public": {"columns": ["name", "uscc", "division", "credit_grade", "business", "state"], "details": ["legal_person", "website", "since", "internal_control", "staff", "credit_history", "sanctions"], "filters": ["state", "credit_grade", "division"], "help": {"en": "Agencies that work on the public resource trading platform of the region. Search by name or unified social credit code.", "zh": "在全区公共资源交易平台开展代理业务的机构。可按名称或者统一社会信用代码查找。"}, "order": "name", "search": ["name", "uscc"], "states": ["active", "suspended", "barred"], "title": {"en": "Directory of tendering agencies", "zh": "招标代理机构名录"}}, "sample": {"basis": [{"article": "二(六)", "reg": "NM-67-2018"}], "every": "year", "into": "inspections", "rate": 0.25, "states": ["active", "suspended"]}, "scope": "platform", "search": ["name", "uscc", "legal_person"], "states": {"moves": [{"basis": [{"article": "二(六)", "reg": "NM-67-2018"}], "by": {"levels": ["region"], "roles": ["coordinator", "department_admin"]}, "from": "active", "id": "suspend", "needs_reason": true, "title": {"en": "Suspend", "zh": "暂停执业"}, "to": "suspended"}, {"by": {"levels": ["region"], "roles": ["coordinator", "department_admin"]}, "from": "suspended", "id": "resume", "needs_reason": true, "second_person": true, "title": {"en": "Resume", "zh": "恢复执业"}, "to": "active"}, {"basis": [{"article": "二(七)", "reg": "NM-67-2018"}], "by": {"levels": ["region"], "roles": ["coordinator", "department_admin"]}, "from": ["active", "suspended"], "id": "bar", "message": {"en": "Enter the decision it rests on under findings and penalties first.", "zh": "请先在“检查、处理和处罚”中写明依据的决定，再列入黑名单。"}, "needs_reason": true, "second_person": true, "title": {"en": "Bar", "zh": "列入黑名单"}, "to": "barred", "when": {"count": "sanctions", "is": "ge", "value": 1}}, {"by": {"levels": ["region"], "roles": ["coordinator", "department_admin"]}, "from": "barred", "id": "unbar", "needs_reason": true, "second_person": true, "title": {"en": "Lift the bar", "zh": "移出黑名单"}, "to": "suspended"}, {"by": {"levels": ["region"], "roles": ["coordinator", "department_admin"]}, "from": ["active", "suspended", "barred"], "id": "close", "needs_reason": true, "title": {"en": "Close", "zh": "注销"}, "to": "closed"}], "states": [{"id": "active", "title": {"en": "In practice", "zh": "执业"}}, {"id": "suspended", "title": {"en": "Suspended", "zh": "暂停"}}, {"id": "barred", "title": {"en": "Barred", "zh": "列入黑名单"}}, {"editable": false, "final": true, "id": "closed", "title": {"en": "Closed", "zh": "已注销"}}]}, "title": {"en": "Tendering agencies", "zh": "招标代理机构"}, "unique": [["uscc"]], "view": {"roles": ["first_reviewer", "second_reviewer", "coordinator", "department_admin", "platform_admin"]}}', '412f7bf1efc5e3619cdf3e82cf3f5c65dab9489f36cd7280e7b696d0cfab35d7', down_revision, [])
