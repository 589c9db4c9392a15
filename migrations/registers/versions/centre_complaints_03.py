"""投诉举报 (Complaints and tips)

* 文字、权限或规则有改动，数据表不变 / words, permissions or rules change; the table stays as it is

Revision: centre_complaints_03, after centre_complaints_02.
"""

from __future__ import annotations

import sqlalchemy as sa  # noqa: F401
from alembic import op  # noqa: F401
from sqlalchemy.dialects import postgresql  # noqa: F401

from migrations.registers import making

revision = 'centre_complaints_03'
down_revision = 'centre_complaints_02'
branch_labels = None
depends_on = None

TABLE = 'register_centre_complaints'
DOCUMENT = '''{
 "basis": [
  {
   "article": "第六十条",
   "reg": "TBR-2019"
  },
  {
   "article": "第六十一条",
   "reg": "TBR-2019"
  }
 ],
 "checks": [
  {
   "basis": [
    {
     "article": "第六条",
     "reg": "MOF-94-2017"
    }
   ],
   "id": "procurement-elsewhere",
   "message": {
    "en": "Complaints about government procurement are not taken here: first query the purchaser or the agency; if you disagree with the answer, complain to the finance department of that level within 15 working days (Measures on Queries and Complaints in Government Procurement, MoF Order 94). Department of Finance: 0471-000-0201.",
    "zh": "政府采购投诉不在本平台受理：请先向采购人或者代理机构提出质疑，对答复不满意的，15 个工作日内向本级财政部门投诉（《政府采购质疑和投诉办法》，财政部令第94号）。自治区财政厅政府采购监管：0471-000-0201。"
   },
   "rule": {
    "not": {
     "all": [
      {
       "fact": "trade",
       "is": "eq",
       "value": "procurement"
      },
      {
       "fact": "nature",
       "is": "eq",
       "value": "complaint"
      }
     ]
    }
   },
   "title": {
    "en": "Government procurement has its own procedure",
    "zh": "政府采购投诉另有程序"
   },
   "verified": false
  }
 ],
 "edit": {
  "levels": [
   "region",
   "league"
  ],
  "roles": [
   "coordinator",
   "department_admin"
  ]
 },
 "fields": [
  {
   "help": {
    "en": "One sentence, for example: an expert contacted a bidder during the evaluation.",
    "zh": "一句话说明要反映什么，例如“某项目评标时专家私下联系投标人”。"
   },
   "id": "topic",
   "kind": "text",
   "label": {
    "en": "Subject",
    "zh": "事由"
   },
   "max_length": 100,
   "min_length": 4
  },
  {
   "id": "channel",
   "kind": "choice",
   "label": {
    "en": "Channel",
    "zh": "来源"
   },
   "options": [
    {
     "label": {
      "en": "Portal",
      "zh": "门户网站"
     },
     "value": "portal"
    },
    {
     "label": {
      "en": "Letter",
      "zh": "来信"
     },
     "value": "letter"
    },
    {
     "label": {
      "en": "Visit",
      "zh": "来访"
     },
     "value": "visit"
    },
    {
     "label": {
      "en": "Telephone",
      "zh": "来电"
     },
     "value": "phone"
    }
   ],
   "required": false
  },
  {
   "help": {
    "en": "A complaint asks for a decision about one's own rights in a project; a tip reports a breach of law.",
    "zh": "与项目有利害关系、要求依法处理自己权益的是投诉；反映违法线索的是举报。"
   },
   "id": "nature",
   "kind": "choice",
   "label": {
    "en": "Kind",
    "zh": "性质"
   },
   "options": [
    {
     "label": {
      "en": "Complaint",
      "zh": "投诉"
     },
     "value": "complaint"
    },
    {
     "label": {
      "en": "Tip",
      "zh": "举报"
     },
     "value": "tip"
    }
   ]
  },
  {
   "id": "trade",
   "kind": "choice",
   "label": {
    "en": "Kind of trade",
    "zh": "交易类别"
   },
   "options": [
    {
     "label": {
      "en": "Construction tendering",
      "zh": "工程建设招标投标"
     },
     "value": "construction"
    },
    {
     "label": {
      "en": "Land and mining rights",
      "zh": "土地使用权、矿业权出让"
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
      "en": "Government procurement",
      "zh": "政府采购"
     },
     "value": "procurement"
    },
    {
     "label": {
      "en": "The platform or the expert pool",
      "zh": "交易平台、专家库的服务"
     },
     "value": "platform"
    }
   ]
  },
  {
   "id": "against",
   "kind": "choice",
   "label": {
    "en": "About",
    "zh": "反映对象"
   },
   "options": [
    {
     "label": {
      "en": "An agency",
      "zh": "代理机构"
     },
     "value": "agency"
    },
    {
     "label": {
      "en": "An expert",
      "zh": "评标评审专家"
     },
     "value": "expert"
    },
    {
     "label": {
      "en": "A tenderer",
      "zh": "招标人（采购人）"
     },
     "value": "tenderer"
    },
    {
     "label": {
      "en": "A bidder",
      "zh": "投标人（供应商）"
     },
     "value": "bidder"
    },
    {
     "label": {
      "en": "An office or officer",
      "zh": "审核机构或者工作人员"
     },
     "value": "office"
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
   "help": {
    "en": "The unit or person; leave empty when not known.",
    "zh": "单位全称或者姓名；不清楚可以不填。"
   },
   "id": "against_name",
   "kind": "text",
   "label": {
    "en": "Who",
    "zh": "对象名称"
   },
   "max_length": 100,
   "required": false,
   "secret": true
  },
  {
   "id": "agency",
   "kind": "reference",
   "label": {
    "en": "Agency in the directory",
    "zh": "名录中的代理机构"
   },
   "required": false,
   "show_when": {
    "fact": "against",
    "is": "eq",
    "value": "agency"
   },
   "to": "agencies"
  },
  {
   "id": "project",
   "kind": "text",
   "label": {
    "en": "Project",
    "zh": "项目名称或者编号"
   },
   "max_length": 150,
   "required": false
  },
  {
   "id": "division",
   "kind": "division",
   "label": {
    "en": "Place",
    "zh": "项目所在地"
   },
   "level": 2
  },
  {
   "help": {
    "en": "A complaint is made within 10 days of knowing.",
    "zh": "投诉应在知道或者应当知道之日起 10 日内提出。"
   },
   "id": "known_on",
   "kind": "date",
   "label": {
    "en": "Known since",
    "zh": "知道或者应当知道之日"
   },
   "max": "today",
   "required_when": {
    "fact": "nature",
    "is": "eq",
    "value": "complaint"
   }
  },
  {
   "help": {
    "en": "When, where, what happened, and what you ask for. No personal data that has nothing to do with it.",
    "zh": "时间、地点、经过，希望怎么处理。不要写与事情无关的个人信息。"
   },
   "id": "content",
   "kind": "long_text",
   "label": {
    "en": "Facts and request",
    "zh": "事实和请求"
   },
   "max_length": 5000,
   "min_length": 10,
   "secret": true
  },
  {
   "accept": [
    "pdf",
    "jpg",
    "png"
   ],
   "help": {
    "en": "Optional; up to five files of 10 MB.",
    "zh": "可以没有；最多 5 份，每份 10 MB 以内。"
   },
   "id": "evidence",
   "kind": "file",
   "label": {
    "en": "Evidence",
    "zh": "证据材料"
   },
   "max_count": 5,
   "max_mb": 10,
   "required": false
  },
  {
   "help": {
    "en": "Needed for a complaint; a tip may be anonymous.",
    "zh": "投诉须实名；举报可以不填。"
   },
   "id": "complainant",
   "kind": "text",
   "label": {
    "en": "Your name or unit",
    "zh": "您的姓名或者单位"
   },
   "max_length": 100,
   "required_when": {
    "fact": "nature",
    "is": "eq",
    "value": "complaint"
   },
   "secret": true
  },
  {
   "help": {
    "en": "Encrypted; only to verify and to answer.",
    "zh": "加密保存，只用于核实和答复。"
   },
   "id": "contact_phone",
   "kind": "phone",
   "label": {
    "en": "Your mobile",
    "zh": "您的手机"
   },
   "required_when": {
    "fact": "nature",
    "is": "eq",
    "value": "complaint"
   }
  },
  {
   "help": {
    "en": "The receipt and the answer are sent here too.",
    "zh": "填了就把回执和答复也发到这里。"
   },
   "id": "contact_email",
   "kind": "email",
   "label": {
    "en": "Your e-mail",
    "zh": "您的邮箱"
   },
   "required": false
  },
  {
   "id": "competent",
   "kind": "department",
   "label": {
    "en": "Transferred to",
    "zh": "转办的主管部门"
   },
   "required": false
  },
  {
   "id": "accepted_on",
   "kind": "date",
   "label": {
    "en": "Accepted on",
    "zh": "受理日期"
   },
   "max": "today",
   "required": false
  },
  {
   "id": "outcome",
   "kind": "choice",
   "label": {
    "en": "Outcome",
    "zh": "处理结果"
   },
   "options": [
    {
     "label": {
      "en": "Upheld, dealt with",
      "zh": "属实，已处理"
     },
     "value": "upheld"
    },
    {
     "label": {
      "en": "Partly upheld",
      "zh": "部分属实"
     },
     "value": "partly"
    },
    {
     "label": {
      "en": "Unfounded",
      "zh": "不属实"
     },
     "value": "unfounded"
    },
    {
     "label": {
      "en": "Withdrawn or settled",
      "zh": "撤回或者和解"
     },
     "value": "mediated"
    }
   ],
   "required": false
  },
  {
   "help": {
    "en": "Seen with the code: facts, clause, decision.",
    "zh": "凭查询码可见，写明事实、依据和处理。"
   },
   "id": "answer",
   "kind": "long_text",
   "label": {
    "en": "Answer",
    "zh": "给投诉人的答复"
   },
   "max_length": 3000,
   "required": false
  },
  {
   "help": {
    "en": "Published as it is: no names, no telephone numbers.",
    "zh": "会原样公开，不写姓名、电话等个人信息。"
   },
   "id": "published",
   "kind": "long_text",
   "label": {
    "en": "Published result",
    "zh": "公开的处理结果"
   },
   "max_length": 1000,
   "required": false
  }
 ],
 "filters": [
  "state",
  "nature",
  "trade",
  "against",
  "competent",
  "division",
  "outcome"
 ],
 "help": {
  "en": "Sent in by the public on the portal, or entered for them. Accepted or refused within 3 working days, decided within 30 working days of acceptance. Contacts are encrypted and serve the answer only.",
  "zh": "公众在门户提交，也可以代为登记来信来访。3 个工作日内决定是否受理，受理之日起 30 个工作日内作出处理决定。联系方式加密保存，只供答复。"
 },
 "id": "complaints",
 "intake": {
  "answers": [
   "accepted_on",
   "competent",
   "outcome",
   "answer"
  ],
  "consent": {
   "en": "What I report is true to my knowledge; I know that false facts or forged papers have legal consequences. My contact may be used to verify and to answer.",
   "zh": "我保证反映的情况真实，知道捏造事实、伪造材料要承担法律责任；同意平台和承办部门为核实和答复使用上面的联系方式。"
  },
  "done": {
   "en": "Received. Whether it is accepted is decided within 3 working days. Keep the code; it shows the progress and the answer.",
   "zh": "已收到。3 个工作日内决定是否受理；请记下查询码，凭码查看进度和答复。"
  },
  "fields": [
   "nature",
   "trade",
   "topic",
   "against",
   "agency",
   "against_name",
   "project",
   "division",
   "known_on",
   "content",
   "evidence",
   "complainant",
   "contact_phone",
   "contact_email"
  ],
  "help": {
   "en": "The platform decides within 3 working days whether to accept it, hands it to the competent department, and you are answered within 30 working days of acceptance. You get a code to follow it. Complaints about government procurement go to the finance department.",
   "zh": "平台接收后 3 个工作日内决定是否受理，转有管辖权的部门查处，受理后 30 个工作日内答复。提交后给您一个查询码，凭码看进度和答复。政府采购投诉请向财政部门提出。"
  },
  "title": {
   "en": "Make a complaint or send a tip",
   "zh": "我要投诉举报"
  }
 },
 "keep_years": 10,
 "letters": {
  "accept": {
   "body": {
    "en": "Your complaint \\"{topic}\\" was accepted on {today}. It is handed to the competent department and answered within 30 working days.\\nFollow it with your code at {portal_url}. Questions: {phone} ({hours}).\\n",
    "zh": "您好：\\n您反映的“{topic}”已于{today}受理，将转有管辖权的部门查处，自受理之日起 30 个工作日内答复。\\n凭提交时的查询码可以在 {portal_url} 查看进度。咨询：{phone}（{hours}）。\\n"
   },
   "sms": {
    "en": "Your complaint is accepted and answered within 30 working days. Follow it with your code at {portal_url}.",
    "zh": "您反映的事项已受理，自受理之日起 30 个工作日内答复。凭查询码可在 {portal_url} 查看进度。"
   },
   "subject": {
    "en": "Your complaint is accepted",
    "zh": "您反映的事项已受理"
   },
   "to": [
    "contact_email",
    "contact_phone"
   ]
  },
  "answer": {
   "body": {
    "en": "Your complaint \\"{topic}\\" has been dealt with: {outcome}.\\n{answer}\\nIf you disagree you may ask for administrative reconsideration or go to court. Questions: {phone} ({hours}).\\n",
    "zh": "您好：\\n您反映的“{topic}”已办理，处理结果：{outcome}。\\n{answer}\\n对处理决定不服的，可以依法申请行政复议或者提起行政诉讼。咨询：{phone}（{hours}）。\\n"
   },
   "sms": {
    "en": "Your complaint has been answered; read it at {portal_url} with your code. Questions: {phone}.",
    "zh": "您反映的事项有了答复，凭查询码可在 {portal_url} 查看。咨询 {phone}。"
   },
   "subject": {
    "en": "Your complaint has been answered",
    "zh": "您反映的事项有了答复"
   },
   "to": [
    "contact_email",
    "contact_phone"
   ]
  },
  "intake": {
   "body": {
    "en": "Your complaint \\"{topic}\\" was received on {today}. Whether it is accepted is decided by {due_on}, and you will be told.\\nFollow it with your code at {portal_url}; nobody but you has the code. Questions: {phone} ({hours}).\\n",
    "zh": "您好：\\n您反映的“{topic}”已于{today}收到，至 {due_on} 前决定是否受理，并把结果告诉您。\\n凭提交时的查询码可以在 {portal_url} 查看进度和答复；查询码只有您有，我们补不了。咨询：{phone}（{hours}）。\\n"
   },
   "sms": {
    "en": "Your complaint was received; decided by {due_on}. Follow it with your code at {portal_url}.",
    "zh": "您反映的事项已收到，{due_on} 前决定是否受理。凭查询码可在 {portal_url} 查看进度。"
   },
   "subject": {
    "en": "Your complaint has been received",
    "zh": "您反映的事项已收到"
   },
   "to": [
    "contact_email",
    "contact_phone"
   ]
  },
  "refuse": {
   "body": {
    "en": "Your complaint \\"{topic}\\" was not accepted. Reason: {reason}\\nQuestions: {office}, {phone} ({hours}).\\n",
    "zh": "您好：\\n您反映的“{topic}”不予受理，理由：{reason}\\n有疑问请咨询{office}：{phone}（{hours}）。\\n"
   },
   "sms": {
    "en": "Your complaint was not accepted; the reason is at {portal_url}, with your code. Questions: {phone}.",
    "zh": "您反映的事项不予受理，理由凭查询码可在 {portal_url} 查看。咨询 {phone}。"
   },
   "subject": {
    "en": "Your complaint was not accepted",
    "zh": "您反映的事项不予受理"
   },
   "to": [
    "contact_email",
    "contact_phone"
   ]
  },
  "transfer": {
   "body": {
    "en": "Your complaint \\"{topic}\\" was handed to {competent}, which answers by {due_on}.\\nFollow it with your code at {portal_url}.\\n",
    "zh": "您好：\\n您反映的“{topic}”已转{competent}办理，{due_on} 前答复您。\\n凭查询码可以在 {portal_url} 查看进度。\\n"
   },
   "sms": {
    "en": "Your complaint was handed to {competent}, to be answered by {due_on}. Follow it at {portal_url}.",
    "zh": "您反映的事项已转{competent}办理，{due_on} 前答复。凭查询码可在 {portal_url} 查看进度。"
   },
   "subject": {
    "en": "Your complaint was transferred",
    "zh": "您反映的事项已转办"
   },
   "to": [
    "contact_email",
    "contact_phone"
   ]
  },
  "withdraw": {
   "body": {
    "en": "Your complaint \\"{topic}\\" was withdrawn on {today}: {reason}\\nIf this was not your own wish, please call {office} at once: {phone} ({hours}).\\n",
    "zh": "您好：\\n您反映的“{topic}”已于{today}按撤回办理：{reason}\\n如果不是您本人要求撤回的，请马上与{office}联系：{phone}（{hours}）。\\n"
   },
   "sms": {
    "en": "Your complaint was withdrawn. If this was not your wish, call {phone} at once.",
    "zh": "您反映的事项已按撤回办理。不是您本人要求的，请马上拨打 {phone}。"
   },
   "subject": {
    "en": "Your complaint has been withdrawn",
    "zh": "您反映的事项已撤回"
   },
   "to": [
    "contact_email",
    "contact_phone"
   ]
  }
 },
 "list": [
  "topic",
  "nature",
  "trade",
  "against",
  "division",
  "competent",
  "state"
 ],
 "order": "-entered_on",
 "public": {
  "columns": [
   "nature",
   "trade",
   "against",
   "division",
   "outcome",
   "published"
  ],
  "filters": [
   "trade",
   "outcome",
   "entered_on"
  ],
  "help": {
   "en": "Only results; no names and no personal data.",
   "zh": "只公开处理结果，不公开投诉人和个人信息。"
  },
  "order": "-entered_on",
  "states": [
   "published"
  ],
  "title": {
   "en": "Results of complaints",
   "zh": "投诉举报处理结果"
  }
 },
 "scope": "platform",
 "search": [
  "topic",
  "project"
 ],
 "states": {
  "moves": [
   {
    "basis": [
     {
      "article": "第六十一条",
      "reg": "TBR-2019"
     }
    ],
    "by": {
     "roles": [
      "coordinator",
      "department_admin"
     ]
    },
    "from": "received",
    "id": "accept",
    "message": {
     "en": "Government procurement is not taken here; refuse it and say which procedure applies.",
     "zh": "政府采购事项不在本平台受理，请告知另有程序后“不予受理”。"
    },
    "title": {
     "en": "Accept",
     "zh": "受理"
    },
    "to": "accepted",
    "when": {
     "fact": "trade",
     "is": "ne",
     "value": "procurement"
    }
   },
   {
    "basis": [
     {
      "article": "第六十一条",
      "reg": "TBR-2019"
     }
    ],
    "by": {
     "roles": [
      "coordinator",
      "department_admin"
     ]
    },
    "from": "received",
    "id": "refuse",
    "needs_reason": true,
    "title": {
     "en": "Refuse",
     "zh": "不予受理"
    },
    "to": "refused"
   },
   {
    "basis": [
     {
      "article": "二(六)",
      "reg": "NM-67-2018"
     }
    ],
    "by": {
     "roles": [
      "coordinator",
      "department_admin"
     ]
    },
    "from": "accepted",
    "hands_to": "competent",
    "id": "transfer",
    "message": {
     "en": "Fill in the department it is transferred to first.",
     "zh": "请先填写“转办的主管部门”。"
    },
    "title": {
     "en": "Transfer",
     "zh": "转办"
    },
    "to": "handling",
    "verified": false,
    "when": {
     "fact": "competent",
     "is": "is_known"
    }
   },
   {
    "basis": [
     {
      "article": "第六十一条",
      "reg": "TBR-2019"
     }
    ],
    "by": {
     "roles": [
      "coordinator",
      "department_admin"
     ]
    },
    "from": "handling",
    "id": "answer",
    "message": {
     "en": "Fill in the outcome and the answer first.",
     "zh": "请先填写处理结果和给投诉人的答复。"
    },
    "title": {
     "en": "Answer",
     "zh": "答复"
    },
    "to": "answered",
    "when": {
     "all": [
      {
       "fact": "outcome",
       "is": "is_known"
      },
      {
       "fact": "answer",
       "is": "is_known"
      }
     ]
    }
   },
   {
    "basis": [
     {
      "article": "投诉转办",
      "reg": "PLATFORM-DEFAULT"
     }
    ],
    "by": {
     "roles": [
      "coordinator",
      "department_admin"
     ]
    },
    "from": "answered",
    "id": "publish",
    "message": {
     "en": "Fill in the published result first, without personal data.",
     "zh": "请先填写“公开的处理结果”，注意不写个人信息。"
    },
    "second_person": true,
    "title": {
     "en": "Publish and close",
     "zh": "公开结果，办结"
    },
    "to": "published",
    "verified": false,
    "when": {
     "fact": "published",
     "is": "is_known"
    }
   },
   {
    "by": {
     "roles": [
      "coordinator",
      "department_admin"
     ]
    },
    "from": [
     "received",
     "accepted",
     "handling"
    ],
    "id": "withdraw",
    "needs_reason": true,
    "title": {
     "en": "Withdrawn",
     "zh": "投诉人撤回"
    },
    "to": "withdrawn"
   }
  ],
  "states": [
   {
    "id": "received",
    "title": {
     "en": "Received",
     "zh": "已收到，待受理"
    },
    "warn_after": {
     "basis": {
      "article": "时限",
      "reg": "PLATFORM-DEFAULT"
     },
     "value": 2,
     "verified": false
    },
    "within": {
     "basis": {
      "article": "第六十一条",
      "reg": "TBR-2019"
     },
     "value": 3
    }
   },
   {
    "editable": true,
    "id": "accepted",
    "title": {
     "en": "Accepted",
     "zh": "已受理，待转办"
    },
    "warn_after": {
     "basis": {
      "article": "投诉转办",
      "reg": "PLATFORM-DEFAULT"
     },
     "value": 2,
     "verified": false
    },
    "within": {
     "basis": {
      "article": "投诉转办",
      "reg": "PLATFORM-DEFAULT"
     },
     "value": 3,
     "verified": false
    }
   },
   {
    "id": "handling",
    "title": {
     "en": "With the department",
     "zh": "主管部门办理中"
    },
    "warn_after": {
     "basis": {
      "article": "时限",
      "reg": "PLATFORM-DEFAULT"
     },
     "value": 20,
     "verified": false
    },
    "within": {
     "basis": {
      "article": "第六十一条",
      "reg": "TBR-2019"
     },
     "value": 30
    }
   },
   {
    "id": "answered",
    "title": {
     "en": "Answered",
     "zh": "已答复"
    },
    "within": {
     "basis": {
      "article": "投诉转办",
      "reg": "PLATFORM-DEFAULT"
     },
     "value": 10,
     "verified": false
    }
   },
   {
    "editable": false,
    "final": true,
    "id": "published",
    "title": {
     "en": "Published",
     "zh": "已办结公开"
    }
   },
   {
    "editable": false,
    "final": true,
    "id": "refused",
    "title": {
     "en": "Not accepted",
     "zh": "不予受理"
    }
   },
   {
    "editable": false,
    "final": true,
    "id": "withdrawn",
    "title": {
     "en": "Withdrawn",
     "zh": "已撤回"
    }
   }
  ]
 },
 "title": {
  "en": "Complaints and tips",
  "zh": "投诉举报"
 },
 "view": {
  "roles": [
   "coordinator",
   "department_admin"
  ]
 }
}'''


def upgrade() -> None:
    making.define('centre', 'complaints', TABLE, DOCUMENT, 'f18b4bea6db0034923354a88c60707611b5c19d0f57eed5947ee5dfc1b03ece6', revision, [])


def downgrade() -> None:
    making.define('centre', 'complaints', TABLE, '{"basis": [{"article": "第六十条", "reg": "TBR-2019"}, {"article": "第六十一条", "reg": "TBR-2019"}], "checks": [{"basis": [{"article": "第六条", "reg": "MOF-94-2017"}], "id": "procurement-elsewhere", "message": {"en": "Complaints about government procurement are not taken here: first query the purchaser or the agency; if you disagree with the answer, complain to the finance department of that level within 15 working days (Measures on Queries and Complaints in Government Procurement, MoF Order 94). Department of Finance: 0471-000-0201.", "zh": "政府采购投诉不在本平台受理：请先向采购人或者代理机构提出质疑，对答复不满意的，15 个工作日内向本级财政部门投诉（《政府采购质疑和投诉办法》，财政部令第94号）。自治区财政厅政府采购监管：0471-000-0201。"}, "rule": {"not": {"all": [{"fact": "trade", "is": "eq", "value": "procurement"}, {"fact": "nature", "is": "eq", "value": "complaint"}]}}, "title": {"en": "Government procurement has its own procedure", "zh": "政府采购投诉另有程序"}, "verified": false}], "edit": {"levels": ["region", "league"], "roles": ["coordinator", "department_admin"]}, "fields": [{"help": {"en": "One sentence, for example: an expert contacted a bidder during the evaluation.", "zh": "一句话说明要反映什么，例如“某项目评标时专家私下联系投标人”。"}, "id": "topic", "kind": "text", "label": {"en": "Subject", "zh": "事由"}, "max_length": 100, "min_length": 4}, {"id": "channel", "kind": "choice", "label": {"en": "Channel", "zh": "来源"}, "options": [{"label": {"en": "Portal", "zh": "门户网站"}, "value": "portal"}, {"label": {"en": "Letter", "zh": "来信"}, "value": "letter"}, {"label": {"en": "Visit", "zh": "来访"}, "value": "visit"}, {"label": {"en": "Telephone", "zh": "来电"}, "value": "phone"}], "required": false}, {"help": {"en": "A complaint asks for a decision about one\'s own rights in a project; a tip reports a breach of law.", "zh": "与项目有利害关系、要求依法处理自己权益的是投诉；反映违法线索的是举报。"}, "id": "nature", "kind": "choice", "label": {"en": "Kind", "zh": "性质"}, "options": [{"label": {"en": "Complaint", "zh": "投诉"}, "value": "complaint"}, {"label": {"en": "Tip", "zh": "举报"}, "value": "tip"}]}, {"id": "trade", "kind": "choice", "label": {"en": "Kind of trade", "zh": "交易类别"}, "options": [{"label": {"en": "Construction tendering", "zh": "工程建设招标投标"}, "value": "construction"}, {"label": {"en": "Land and mining rights", "zh": "土地使用权、矿业权出让"}, "value": "land"}, {"label": {"en": "State property", "zh": "国有产权交易"}, "value": "property"}, {"label": {"en": "Government procurement", "zh": "政府采购"}, "value": "procurement"}, {"label": {"en": "The platform or the expert pool", "zh": "交易平台、专家库的服务"}, "value": "platform"}]}, {"id": "against", "kind": "choice", "label": {"en": "About", "zh": "反映对象"}, "options": [{"label": {"en": "An agency", "zh": "代理机构"}, "value": "agency"}, {"label": {"en": "An expert", "zh": "评标评审专家"}, "value": "expert"}, {"label": {"en": "A tenderer", "zh": "招标人（采购人）"}, "value": "tenderer"}, {"label": {"en": "A bidder", "zh": "投标人（供应商）"}, "value": "bidder"}, {"label": {"en": "An office or officer", "zh": "审核机构或者工作人员"}, "value": "office"}, {"label": {"en": "Other", "zh": "其他"}, "value": "other"}]}, {"help": {"en": "The unit or person; leave empty when not known.", "zh": "单位全称或者姓名；不清楚可以不填。"}, "id": "against_name", "kind": "text", "label": {"en": "Who", "zh": "对象名称"}, "max_length": 100, "required": false, "secret": true}, {"id": "agency", "kind": "reference", "label": {"en": "Agency in the directory", "zh": "名录中的代理机构"}, "required": false, "show_when": {"fact": "against", "is": "eq", "value": "agency"}, "to": "agencies"}, {"id": "project", "kind": "text", "label": {"en": "Project", "zh": "项目名称或者编号"}, "max_length": 150, "required": false}, {"id": "division", "kind": "division", "label": {"en": "Place", "zh": "项目所在地"}, "level": 2}, {"help": {"en": "A complaint is made within 10 days of knowing.", "zh": "投诉应在知道或者应当知道之日起 10 日内提出。"}, "id": "known_on", "kind": "date", "label": {"en": "Known since", "zh": "知道或者应当知道之日"}, "max": "today", "required_when": {"fact": "nature", "is": "eq", "value": "complaint"}}, {"help": {"en": "When, where, what happened, and what you ask for. No personal data that has nothing to do with it.", "zh": "时间、地点、经过，希望怎么处理。不要写与事情无关的个人信息。"}, "id": "content", "kind": "long_text", "label": {"en": "Facts and request", "zh": "事实和请求"}, "max_length": 5000, "min_length": 10, "secret": true}, {"accept": ["pdf", "jpg", "png"], "help": {"en": "Optional; up to five files of 10 MB.", "zh": "可以没有；最多 5 份，每份 10 MB 以内。"}, "id": "evidence", "kind": "file", "label": {"en": "Evidence", "zh": "证据材料"}, "max_count": 5, "max_mb": 10, "required": false}, {"help": {"en": "Needed for a complaint; a tip may be anonymous.", "zh": "投诉须实名；举报可以不填。"}, "id": "complainant", "kind": "text", "label": {"en": "Your name or unit", "zh": "您的姓名或者单位"}, "max_length": 100, "required_when": {"fact": "nature", "is": "eq", "value": "complaint"}, "secret": true}, {"help": {"en": "Encrypted; only to verify and to answer.", "zh": "加密保存，只用于核实和答复。"}, "id": "contact_phone", "kind": "phone", "label": {"en": "Your mobile", "zh": "您的手机"}, "required_when": {"fact": "nature", "is": "eq", "value": "complaint"}}, {"help": {"en": "The receipt and the answer are sent here too.", "zh": "填了就把回执和答复也发到这里。"}, "id": "contact_email", "kind": "email", "label": {"en": "Your e-mail", "zh": "您的邮箱"}, "required": false}, {"id": "competent", "kind": "department", "label": {"en": "Transferred to", "zh": "转办的主管部门"}, "required": false}, {"id": "accepted_on", "kind": "date", "label": {"en": "Accepted on", "zh": "受理日期"}, "max": "today", "required": false}, {"id": "outcome", "kind": "choice", "label": {"en": "Outcome", "zh": "处理结果"}, "options": [{"label": {"en": "Upheld, dealt with", "zh": "属实，已处理"}, "value": "upheld"}, {"label": {"en": "Partly upheld", "zh": "部分属实"}, "value": "partly"}, {"label": {"en": "Unfounded", "zh": "不属实"}, "value": "unfounded"}, {"label": {"en": "Withdrawn or settled", "zh": "撤回或者和解"}, "value": "mediated"}], "required": false}, {"help": {"en": "Seen with the code: facts, clause, decision.", "zh": "凭查询码可见，写明事实、依据和处理。"}, "id": "answer", "kind": "long_text", "label": {"en": "Answer", "zh": "给投诉人的答复"}, "max_length": 3000, "required": false}, {"help": {"en": "Published as it is: no names, no telephone numbers.", "zh": "会原样公开，不写姓名、电话等个人信息。"}, "id": "published", "kind": "long_text", "label": {"en": "Published result", "zh": "公开的处理结果"}, "max_length": 1000, "required": false}], "filters": ["state", "nature", "trade", "against", "competent", "division", "outcome"], "help": {"en": "Sent in by the public on the portal, or entered for them. Accepted or refused within 3 working days, decided within 30 working days of acceptance. Contacts are encrypted and serve the answer only.", "zh": "公众在门户提交，也可以代为登记来信来访。3 个工作日内决定是否受理，受理之日起 30 个工作日内作出处理决定。联系方式加密保存，只供答复。"}, "id": "complaints", "intake": {"answers": ["accepted_on", "competent", "outcome", "answer"], "consent": {"en": "What I report is true to my knowledge; I know that false facts or forged papers have legal consequences. My contact may be used to verify and to answer.", "zh": "我保证反映的情况真实，知道捏造事实、伪造材料要承担法律责任；同意平台和承办部门为核实和答复使用上面的联系方式。"}, "done": {"en": "Received. Whether it is accepted is decided within 3 working days. Keep the code; it shows the progress and the answer.", "zh": "已收到。3 个工作日内决定是否受理；请记下查询码，凭码查看进度和答复。"}, "fields": ["nature", "trade", "topic", "against", "against_name", "project", "division", "known_on", "content", "evidence", "complainant", "contact_phone", "contact_email"], "help": {"en": "The platform decides within 3 working days whether to accept it, hands it to the competent department, and you are answered within 30 working days of acceptance. You get a code to follow it. Complaints about government procurement go to the finance department.", "zh": "平台接收后 3 个工作日内决定是否受理，转有管辖权的部门查处，受理后 30 个工作日内答复。提交后给您一个查询码，凭码看进度和答复。政府采购投诉请向财政部门提出。"}, "title": {"en": "Make a complaint or send a tip", "zh": "我要投诉举报"}}, "keep_years": 10, "letters": {"accept": {"body": {"en": "Your complaint \\"{topic}\\" was accepted on {today}. It is handed to the competent department and answered within 30 working days.\\nFollow it with your code at {portal_url}. Questions: {phone} ({hours}).\\n", "zh": "您好：\\n您反映的“{topic}”已于{today}受理，将转有管辖权的部门查处，自受理之日起 30 个工作日内答复。\\n凭提交时的查询码可以在 {portal_url} 查看进度。咨询：{phone}（{hours}）。\\n"}, "sms": {"en": "Your complaint is accepted and answered within 30 working days. Follow it with your code at {portal_url}.", "zh": "您反映的事项已受理，自受理之日起 30 个工作日内答复。凭查询码可在 {portal_url} 查看进度。"}, "subject": {"en": "Your complaint is accepted", "zh": "您反映的事项已受理"}, "to": ["contact_email", "contact_phone"]}, "answer": {"body": {"en": "Your complaint \\"{topic}\\" has been dealt with: {outcome}.\\n{answer}\\nIf you disagree you may ask for administrative reconsideration or go to court. Questions: {phone} ({hours}).\\n", "zh": "您好：\\n您反映的“{topic}”已办理，处理结果：{outcome}。\\n{answer}\\n对处理决定不服的，可以依法申请行政复议或者提起行政诉讼。咨询：{phone}（{hours}）。\\n"}, "sms": {"en": "Your complaint has been answered; read it at {portal_url} with your code. Questions: {phone}.", "zh": "您反映的事项有了答复，凭查询码可在 {portal_url} 查看。咨询 {phone}。"}, "subject": {"en": "Your complaint has been answered", "zh": "您反映的事项有了答复"}, "to": ["contact_email", "contact_phone"]}, "intake": {"body": {"en": "Your complaint \\"{topic}\\" was received on {today}. Whether it is accepted is decided by {due_on}, and you will be told.\\nFollow it with your code at {portal_url}; nobody but you has the code. Questions: {phone} ({hours}).\\n", "zh": "您好：\\n您反映的“{topic}”已于{today}收到，至 {due_on} 前决定是否受理，并把结果告诉您。\\n凭提交时的查询码可以在 {portal_url} 查看进度和答复；查询码只有您有，我们补不了。咨询：{phone}（{hours}）。\\n"}, "sms": {"en": "Your complaint was received; decided by {due_on}. Follow it with your code at {portal_url}.", "zh": "您反映的事项已收到，{due_on} 前决定是否受理。凭查询码可在 {portal_url} 查看进度。"}, "subject": {"en": "Your complaint has been received", "zh": "您反映的事项已收到"}, "to": ["contact_email", "contact_phone"]}, "refuse": {"body": {"en": "Your complaint \\"{topic}\\" was not accepted. Reason: {reason}\\nQuestions: {office}, {phone} ({hours}).\\n", "zh": "您好：\\n您反映的“{topic}”不予受理，理由：{reason}\\n有疑问请咨询{office}：{phone}（{hours}）。\\n"}, "sms": {"en": "Your complaint was not accepted; the reason is at {portal_url}, with your code. Questions: {phone}.", "zh": "您反映的事项不予受理，理由凭查询码可在 {portal_url} 查看。咨询 {phone}。"}, "subject": {"en": "Your complaint was not accepted", "zh": "您反映的事项不予受理"}, "to": ["contact_email", "contact_phone"]}, "transfer": {"body": {"en": "Your complaint \\"{topic}\\" was handed to {competent}, which answers by {due_on}.\\nFollow it with your code at {portal_url}.\\n", "zh": "您好：\\n您反映的“{topic}”已转{competent}办理，{due_on} 前答复您。\\n凭查询码可以在 {portal_url} 查看进度。\\n"}, "sms": {"en": "Your complaint was handed to {competent}, to be answered by {due_on}. Follow it at {portal_url}.", "zh": "您反映的事项已转{competent}办理，{due_on} 前答复。凭查询码可在 {portal_url} 查看进度。"}, "subject": {"en": "Your complaint was transferred", "zh": "您反映的事项已转办"}, "to": ["contact_email", "contact_phone"]}, "withdraw": {"body": {"en": "Your complaint \\"{topic}\\" was withdrawn on {today}: {reason}\\nIf this was not your own wish, please call {office} at once: {phone} ({hours}).\\n", "zh": "您好：\\n您反映的“{topic}”已于{today}按撤回办理：{reason}\\n如果不是您本人要求撤回的，请马上与{office}联系：{phone}（{hours}）。\\n"}, "sms": {"en": "Your complaint was withdrawn. If this was not your wish, call {phone} at once.", "zh": "您反映的事项已按撤回办理。不是您本人要求的，请马上拨打 {phone}。"}, "subject": {"en": "Your complaint has been withdrawn", "zh": "您反映的事项已撤回"}, "to": ["contact_email", "contact_phone"]}}, "list": ["topic", "nature", "trade", "against", "division", "competent", "state"], "order": "-entered_on", "public": {"columns": ["nature", "trade", "against", "division", "outcome", "published"], "filters": ["trade", "outcome", "entered_on"], "help": {"en": "Only results; no names and no personal data.", "zh": "只公开处理结果，不公开投诉人和个人信息。"}, "order": "-entered_on", "states": ["published"], "title": {"en": "Results of complaints", "zh": "投诉举报处理结果"}}, "scope": "platform", "search": ["topic", "project"], "states": {"moves": [{"basis": [{"article": "第六十一条", "reg": "TBR-2019"}], "by": {"roles": ["coordinator", "department_admin"]}, "from": "received", "id": "accept", "message": {"en": "Government procurement is not taken here; refuse it and say which procedure applies.", "zh": "政府采购事项不在本平台受理，请告知另有程序后“不予受理”。"}, "title": {"en": "Accept", "zh": "受理"}, "to": "accepted", "when": {"fact": "trade", "is": "ne", "value": "procurement"}}, {"basis": [{"article": "第六十一条", "reg": "TBR-2019"}], "by": {"roles": ["coordinator", "department_admin"]}, "from": "received", "id": "refuse", "needs_reason": true, "title": {"en": "Refuse", "zh": "不予受理"}, "to": "refused"}, {"basis": [{"article": "二(六)", "reg": "NM-67-2018"}], "by": {"roles": ["coordinator", "department_admin"]}, "from": "accepted", "hands_to": "competent", "id": "transfer", "message": {"en": "Fill in the department it is transferred to first.", "zh": "请先填写“转办的主管部门”。"}, "title": {"en": "Transfer", "zh": "转办"}, "to": "handling", "verified": false, "when": {"fact": "competent", "is": "is_known"}}, {"basis": [{"article": "第六十一条", "reg": "TBR-2019"}], "by": {"roles": ["coordinator", "department_admin"]}, "from": "handling", "id": "answer", "message": {"en": "Fill in the outcome and the answer first.", "zh": "请先填写处理结果和给投诉人的答复。"}, "title": {"en": "Answer", "zh": "答复"}, "to": "answered", "when": {"all": [{"fact": "outcome", "is": "is_known"}, {"fact": "answer", "is": "is_known"}]}}, {"basis": [{"article": "投诉转办", "reg": "PLATFORM-DEFAULT"}], "by": {"roles": ["coordinator", "department_admin"]}, "from": "answered", "id": "publish", "message": {"en": "Fill in the published result first, without personal data.", "zh": "请先填写“公开的处理结果”，注意不写个人信息。"}, "second_person": true, "title": {"en": "Publish and close", "zh": "公开结果，办结"}, "to": "published", "verified": false, "when": {"fact": "published", "is": "is_known"}}, {"by": {"roles": ["coordinator", "department_admin"]}, "from": ["received", "accepted", "handling"], "id": "withdraw", "needs_reason": true, "title": {"en": "Withdrawn", "zh": "投诉人撤回"}, "to": "withdrawn"}], "states": [{"id": "received", "title": {"en": "Received", "zh": "已收到，待受理"}, "warn_after": {"basis": {"article": "时限", "reg": "PLATFORM-DEFAULT"}, "value": 2, "verified": false}, "within": {"basis": {"article": "第六十一条", "reg": "TBR-2019"}, "value": 3}}, {"editable": true, "id": "accepted", "title": {"en": "Accepted", "zh": "已受理，待转办"}, "warn_after": {"basis": {"article": "投诉转办", "reg": "PLATFORM-DEFAULT"}, "value": 2, "verified": false}, "within": {"basis": {"article": "投诉转办", "reg": "PLATFORM-DEFAULT"}, "value": 3, "verified": false}}, {"id": "handling", "title": {"en": "With the department", "zh": "主管部门办理中"}, "warn_after": {"basis": {"article": "时限", "reg": "PLATFORM-DEFAULT"}, "value": 20, "verified": false}, "within": {"basis": {"article": "第六十一条", "reg": "TBR-2019"}, "value": 30}}, {"id": "answered", "title": {"en": "Answered", "zh": "已答复"}, "within": {"basis": {"article": "投诉转办", "reg": "PLATFORM-DEFAULT"}, "value": 10, "verified": false}}, {"editable": false, "final": true, "id": "published", "title": {"en": "Published", "zh": "已办结公开"}}, {"editable": false, "final": true, "id": "refused", "title": {"en": "Not accepted", "zh": "不予受理"}}, {"editable": false, "final": true, "id": "withdrawn", "title": {"en": "Withdrawn", "zh": "已撤回"}}]}, "title": {"en": "Complaints and tips", "zh": "投诉举报"}, "view": {"roles": ["coordinator", "department_admin"]}}', 'c782b8e80e54864aadefe454ea6ff00acf6ef468e1c7d9dfce2d9ceeeabf468b', down_revision, [])
