{"pack":"ea121f31-c8fa-4479-9b36-b65da430ef7f"}
{"try":0}
