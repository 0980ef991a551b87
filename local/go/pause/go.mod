module job-wq-2/local/pause

go 1.26
