{"pack":"e0fc0d1b-3feb-442f-8834-9de1c7979daa"}
{"try":0}
{"done":{"batch":0,"upto":1}}
