"""A draft's criteria asked of every past file: compiled to SQL (`sql nodes groups values`), judged and put into words (`judging facts`),
counted (`totals`), run (`services`), read (`queries`) and taken out (`report`). What cannot be compiled is asked of the engine, file by file.
"""
