#@ @TITLE@
labctl --name "$LAB" @COMMAND@

#@ Wait until everything is flushed
curl -sSf "$API_URL/admin/queue"
echo
#@flushed

#@ The verdict
# `labctl load` judges each write, and ends with an error unless all is as expected.
labctl --name "$LAB" db query "SELECT count(*), max(updated_at) FROM products WHERE updated_at >= '$STARTED';"
