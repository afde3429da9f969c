module github.com/tidemill/tidemill/smartmodule/sdk/go

go 1.24
