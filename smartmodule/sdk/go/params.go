package smartmodule

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
)

// param is one parameter, as the description tells it.
type param struct {
	Name        string          `json:"name"`
	Type        string          `json:"type"`
	Required    bool            `json:"required"`
	Default     json.RawMessage `json:"default,omitempty"`
	OneOf       []string        `json:"oneOf,omitempty"`
	Description string          `json:"description"`

	field int
}

// describe reads the parameters off a struct: a field `param:"name" default:"value" oneOf:"a,b" doc:"what it is for"` is
// one. A field without default must be given, unless it is a pointer.
func describe(params any) []param {
	kind := reflect.TypeOf(params).Elem()
	if kind.Kind() != reflect.Struct {
		panic("smartmodule: parameters are a struct")
	}
	var described []param
	for at := range kind.NumField() {
		field := kind.Field(at)
		name, ok := field.Tag.Lookup("param")
		if !ok {
			continue
		}
		fieldKind := field.Type
		optional := fieldKind.Kind() == reflect.Pointer
		if optional {
			fieldKind = fieldKind.Elem()
		}
		one := param{Name: name, Type: typeName(name, fieldKind), Description: field.Tag.Get("doc"), field: at}
		if choices, ok := field.Tag.Lookup("oneOf"); ok {
			one.OneOf = strings.Split(choices, ",")
		}
		value, given := field.Tag.Lookup("default")
		if given {
			one.Default = asJSON(name, one.Type, value)
		}
		one.Required = !given && !optional
		described = append(described, one)
	}
	return described
}

func typeName(name string, kind reflect.Type) string {
	switch {
	case kind.Kind() == reflect.String:
		return "string"
	case kind.Kind() == reflect.Int64 || kind.Kind() == reflect.Int:
		return "integer"
	case kind.Kind() == reflect.Float64:
		return "number"
	case kind.Kind() == reflect.Bool:
		return "boolean"
	case kind.Kind() == reflect.Slice && kind.Elem().Kind() == reflect.String:
		return "stringList"
	case kind == reflect.TypeFor[json.RawMessage]():
		return "json"
	}
	panic(fmt.Sprintf("smartmodule: the parameter %s has a type that parameters cannot have: %s", name, kind))
}

func asJSON(name, kind, value string) json.RawMessage {
	if kind == "string" {
		quoted, err := json.Marshal(value)
		if err != nil {
			panic(err) // Text can always be written.
		}
		return quoted
	}
	if !json.Valid([]byte(value)) {
		panic(fmt.Sprintf("smartmodule: the default of the parameter %s is not %s: %s", name, kind, value))
	}
	return json.RawMessage(value)
}

// fill sets the fields of a struct of parameters.
func fill(params any, values map[string]json.RawMessage) error {
	target := reflect.ValueOf(params).Elem()
	for _, one := range describe(params) {
		value, given := values[one.Name]
		if !given {
			value = one.Default
		}
		if value == nil {
			if one.Required {
				return fmt.Errorf("parameter `%s` is missing", one.Name)
			}
			continue
		}
		if err := json.Unmarshal(value, target.Field(one.field).Addr().Interface()); err != nil {
			return fmt.Errorf("parameter `%s` must be of type %s, not %s", one.Name, one.Type, value)
		}
	}
	return nil
}
