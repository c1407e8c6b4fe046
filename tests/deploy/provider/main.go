// A stand-in for the AWS provider of Terraform. It has the real provider's published schema (read
// from the file that AWS_SCHEMA names) and makes everything up, so that the real terraform can
// validate, plan and apply the module without the provider and without an account.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strings"

	"github.com/hashicorp/terraform-plugin-go/tfprotov5"
	"github.com/hashicorp/terraform-plugin-go/tfprotov5/tf5server"
	"github.com/hashicorp/terraform-plugin-go/tftypes"
)

const (
	account = "111122223333"
	region  = "ap-northeast-1"
)

// What is made up for attributes that can't be told from the resource's name.
var answers = map[string]string{
	"aws_caller_identity.account_id": account,
	"aws_partition.partition":        "aws",
	"aws_partition.dns_suffix":       "amazonaws.com",
	"aws_region.region":              region,
	"aws_security_group.id":          "sg-0aaaaaaaaaaaaaaaa",
	"aws_subnet.vpc_id":              "vpc-0aaaaaaaaaaaaaaaa",
}

// ARNs by resource, each with the place of the name.
var arns = map[string]string{
	"aws_cloudwatch_log_group":     "logs:" + region + ":" + account + ":log-group:%s",
	"aws_ecs_cluster":              "ecs:" + region + ":" + account + ":cluster/%s",
	"aws_ecs_service":              "ecs:" + region + ":" + account + ":service/%[1]s/%[1]s",
	"aws_ecs_task_definition":      "ecs:" + region + ":" + account + ":task-definition/%s:1",
	"aws_iam_role":                 "iam::" + account + ":role/%s",
	"aws_scheduler_schedule":       "scheduler:" + region + ":" + account + ":schedule/%[1]s/%[1]s",
	"aws_scheduler_schedule_group": "scheduler:" + region + ":" + account + ":schedule-group/%s",
}

type block struct {
	Attributes map[string]struct {
		Type                         json.RawMessage
		Required, Optional, Computed bool
	}
	BlockTypes map[string]struct {
		NestingMode string `json:"nesting_mode"`
		Block       block
		MinItems    int64 `json:"min_items"`
		MaxItems    int64 `json:"max_items"`
	} `json:"block_types"`
}

type schemas map[string]struct{ Block block }

type published struct {
	Provider  struct{ Block block } `json:"provider_schema"`
	Resources schemas               `json:"resource_schemas"`
	Data      schemas               `json:"data_source_schemas"`
}

var nesting = map[string]tfprotov5.SchemaNestedBlockNestingMode{
	"list":   tfprotov5.SchemaNestedBlockNestingModeList,
	"set":    tfprotov5.SchemaNestedBlockNestingModeSet,
	"single": tfprotov5.SchemaNestedBlockNestingModeSingle,
}

func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}

func (b block) schema() *tfprotov5.SchemaBlock {
	made := &tfprotov5.SchemaBlock{}
	for name, attribute := range b.Attributes {
		made.Attributes = append(made.Attributes, &tfprotov5.SchemaAttribute{
			Name:     name,
			Type:     must(tftypes.ParseJSONType(attribute.Type)), //nolint:staticcheck // the schema's own form
			Required: attribute.Required,
			Optional: attribute.Optional,
			Computed: attribute.Computed,
		})
	}
	for name, nested := range b.BlockTypes {
		made.BlockTypes = append(made.BlockTypes, &tfprotov5.SchemaNestedBlock{
			TypeName: name,
			Block:    nested.Block.schema(),
			Nesting:  nesting[nested.NestingMode],
			MinItems: nested.MinItems,
			MaxItems: nested.MaxItems,
		})
	}
	return made
}

func (s schemas) schemas() map[string]*tfprotov5.Schema {
	made := map[string]*tfprotov5.Schema{}
	for name, one := range s {
		made[name] = &tfprotov5.Schema{Block: one.Block.schema()}
	}
	return made
}

func (s schemas) typeOf(name string) tftypes.Type {
	return (&tfprotov5.Schema{Block: s[name].Block.schema()}).ValueType()
}

type provider struct {
	// The rest of the protocol, which terraform does not ask for here.
	tfprotov5.ProviderServer
	published
}

// What an attribute that is not in the configuration becomes.
func answer(resource, attribute, name string) string {
	if known, ok := answers[resource+"."+attribute]; ok {
		return known
	}
	arn := "arn:aws:" + fmt.Sprintf(arns[resource], name)
	switch {
	case arns[resource] == "":
		return resource + "-" + attribute
	case attribute == "arn_without_revision":
		return strings.TrimSuffix(arn, ":1")
	case attribute == "arn", attribute == "id" && resource != "aws_iam_role" && resource != "aws_cloudwatch_log_group":
		return arn
	}
	return name
}

// Fills the computed attributes of an object with what `fill` gives.
func (p provider) filled(s schemas, name string, config tftypes.Value, fill func(attribute string, t tftypes.Type) tftypes.Value) tftypes.Value {
	var fields map[string]tftypes.Value
	if err := config.As(&fields); err != nil {
		panic(err)
	}
	for attribute, schema := range s[name].Block.Attributes {
		onlyComputed := schema.Computed && !schema.Optional
		known := fields[attribute].IsKnown()
		if (known && fields[attribute].IsNull() && (onlyComputed || attribute == "id" || answers[name+"."+attribute] != "")) || !known {
			fields[attribute] = fill(attribute, fields[attribute].Type())
		}
	}
	return tftypes.NewValue(config.Type(), fields)
}

func (p provider) answered(s schemas, resource string, config tftypes.Value) tftypes.Value {
	var fields map[string]tftypes.Value
	if err := config.As(&fields); err != nil {
		panic(err)
	}
	name := ""
	for _, attribute := range []string{"name", "family"} {
		if value, ok := fields[attribute]; ok && value.IsKnown() && !value.IsNull() && name == "" {
			if err := value.As(&name); err != nil {
				panic(err)
			}
		}
	}
	return p.filled(s, resource, config, func(attribute string, t tftypes.Type) tftypes.Value {
		if t.Is(tftypes.String) {
			return tftypes.NewValue(t, answer(resource, attribute, name))
		}
		return tftypes.NewValue(t, nil)
	})
}

func (p provider) GetMetadata(context.Context, *tfprotov5.GetMetadataRequest) (*tfprotov5.GetMetadataResponse, error) {
	response := &tfprotov5.GetMetadataResponse{ServerCapabilities: &tfprotov5.ServerCapabilities{}}
	for name := range p.Resources {
		response.Resources = append(response.Resources, tfprotov5.ResourceMetadata{TypeName: name})
	}
	for name := range p.Data {
		response.DataSources = append(response.DataSources, tfprotov5.DataSourceMetadata{TypeName: name})
	}
	return response, nil
}

func (p provider) GetProviderSchema(context.Context, *tfprotov5.GetProviderSchemaRequest) (*tfprotov5.GetProviderSchemaResponse, error) {
	return &tfprotov5.GetProviderSchemaResponse{
		Provider:          &tfprotov5.Schema{Block: p.Provider.Block.schema()},
		ResourceSchemas:   p.Resources.schemas(),
		DataSourceSchemas: p.Data.schemas(),
	}, nil
}

func (p provider) PrepareProviderConfig(_ context.Context, r *tfprotov5.PrepareProviderConfigRequest) (*tfprotov5.PrepareProviderConfigResponse, error) {
	return &tfprotov5.PrepareProviderConfigResponse{PreparedConfig: r.Config}, nil
}

func (p provider) ConfigureProvider(context.Context, *tfprotov5.ConfigureProviderRequest) (*tfprotov5.ConfigureProviderResponse, error) {
	return &tfprotov5.ConfigureProviderResponse{}, nil
}

func (p provider) StopProvider(context.Context, *tfprotov5.StopProviderRequest) (*tfprotov5.StopProviderResponse, error) {
	return &tfprotov5.StopProviderResponse{}, nil
}

func (p provider) ValidateResourceTypeConfig(context.Context, *tfprotov5.ValidateResourceTypeConfigRequest) (*tfprotov5.ValidateResourceTypeConfigResponse, error) {
	return &tfprotov5.ValidateResourceTypeConfigResponse{}, nil
}

func (p provider) ValidateDataSourceConfig(context.Context, *tfprotov5.ValidateDataSourceConfigRequest) (*tfprotov5.ValidateDataSourceConfigResponse, error) {
	return &tfprotov5.ValidateDataSourceConfigResponse{}, nil
}

func (p provider) UpgradeResourceState(_ context.Context, r *tfprotov5.UpgradeResourceStateRequest) (*tfprotov5.UpgradeResourceStateResponse, error) {
	t := p.Resources.typeOf(r.TypeName)
	state := must(r.RawState.Unmarshal(t))
	upgraded := must(tfprotov5.NewDynamicValue(t, state))
	return &tfprotov5.UpgradeResourceStateResponse{UpgradedState: &upgraded}, nil
}

func (p provider) ReadResource(_ context.Context, r *tfprotov5.ReadResourceRequest) (*tfprotov5.ReadResourceResponse, error) {
	return &tfprotov5.ReadResourceResponse{NewState: r.CurrentState}, nil
}

func (p provider) PlanResourceChange(_ context.Context, r *tfprotov5.PlanResourceChangeRequest) (*tfprotov5.PlanResourceChangeResponse, error) {
	t := p.Resources.typeOf(r.TypeName)
	proposed := must(r.ProposedNewState.Unmarshal(t))
	if proposed.IsNull() {
		return &tfprotov5.PlanResourceChangeResponse{PlannedState: r.ProposedNewState}, nil
	}
	planned := p.filled(p.Resources, r.TypeName, proposed, func(_ string, t tftypes.Type) tftypes.Value {
		return tftypes.NewValue(t, tftypes.UnknownValue)
	})
	value := must(tfprotov5.NewDynamicValue(t, planned))
	return &tfprotov5.PlanResourceChangeResponse{PlannedState: &value}, nil
}

func (p provider) ApplyResourceChange(_ context.Context, r *tfprotov5.ApplyResourceChangeRequest) (*tfprotov5.ApplyResourceChangeResponse, error) {
	t := p.Resources.typeOf(r.TypeName)
	planned := must(r.PlannedState.Unmarshal(t))
	if planned.IsNull() {
		return &tfprotov5.ApplyResourceChangeResponse{NewState: r.PlannedState}, nil
	}
	value := must(tfprotov5.NewDynamicValue(t, p.answered(p.Resources, r.TypeName, planned)))
	return &tfprotov5.ApplyResourceChangeResponse{NewState: &value}, nil
}

func (p provider) ReadDataSource(_ context.Context, r *tfprotov5.ReadDataSourceRequest) (*tfprotov5.ReadDataSourceResponse, error) {
	t := p.Data.typeOf(r.TypeName)
	config := must(r.Config.Unmarshal(t))
	value := must(tfprotov5.NewDynamicValue(t, p.answered(p.Data, r.TypeName, config)))
	return &tfprotov5.ReadDataSourceResponse{State: &value}, nil
}

func main() {
	var schema published
	if err := json.Unmarshal(must(os.ReadFile(os.Getenv("AWS_SCHEMA"))), &schema); err != nil {
		panic(err)
	}
	server := func() tfprotov5.ProviderServer { return provider{published: schema} }
	if err := tf5server.Serve("registry.terraform.io/hashicorp/aws", server); err != nil {
		panic(err)
	}
}
