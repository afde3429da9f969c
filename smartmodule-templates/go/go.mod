module {{project-name}}

go 1.24

require github.com/tidemill/tidemill/smartmodule/sdk/go v0.1.0
{% unless sdk-path == "" %}
replace github.com/tidemill/tidemill/smartmodule/sdk/go => {{sdk-path}}
{% endunless -%}
