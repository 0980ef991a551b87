package kubernetes

import "reflect"

// UntypedArgs are the fields of an object as they stand in YAML.
type UntypedArgs map[string]interface{}

func (UntypedArgs) ElementType() reflect.Type { return reflect.TypeOf((*map[string]interface{})(nil)).Elem() }
