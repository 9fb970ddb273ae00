// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"

	"google.golang.org/genproto/googleapis/api/annotations"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"

	libraryv1 "github.com/dragoman-gateway/dragoman/bench/gen/library/v1"
	"github.com/dragoman-gateway/dragoman/bench/serve"
)

// certificate is a certificate of 127.0.0.1 and its key, as files.
type certificate struct{ file, key string }

func writeCertificate(folder string) (certificate, error) {
	c := certificate{filepath.Join(folder, "tls.crt"), filepath.Join(folder, "tls.key")}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return c, err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, DNSNames: []string{"localhost"},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return c, err
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return c, err
	}
	if err := os.WriteFile(c.file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600); err != nil {
		return c, err
	}
	return c, os.WriteFile(c.key, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}), 0o600)
}

// writeSchema writes a descriptor set of the library's service, and of one more that has so many rules.
func writeSchema(folder string, rules int) (string, error) {
	set := &descriptorpb.FileDescriptorSet{}
	seen := map[string]bool{}
	var add func(f protoreflect.FileDescriptor)
	add = func(f protoreflect.FileDescriptor) {
		if seen[f.Path()] {
			return
		}
		seen[f.Path()] = true
		for i := range f.Imports().Len() {
			add(f.Imports().Get(i).FileDescriptor)
		}
		set.File = append(set.File, protodesc.ToFileDescriptorProto(f))
	}
	add(libraryv1.File_library_v1_library_proto)
	if rules > 0 {
		set.File = append(set.File, manyRules(rules))
	}
	data, err := proto.Marshal(set)
	if err != nil {
		return "", err
	}
	file := filepath.Join(folder, fmt.Sprintf("library-%d.binpb", rules))
	return file, os.WriteFile(file, data, 0o600)
}

func manyRules(n int) *descriptorpb.FileDescriptorProto {
	text := func(name string, number int32) *descriptorpb.FieldDescriptorProto {
		return &descriptorpb.FieldDescriptorProto{
			Name: &name, Number: &number, Type: descriptorpb.FieldDescriptorProto_TYPE_STRING.Enum(),
			Label: descriptorpb.FieldDescriptorProto_LABEL_OPTIONAL.Enum(),
		}
	}
	service := &descriptorpb.ServiceDescriptorProto{Name: proto.String("ThingService")}
	for i := range n {
		options := &descriptorpb.MethodOptions{}
		proto.SetExtension(options, annotations.E_Http, &annotations.HttpRule{Pattern: &annotations.HttpRule_Get{Get: serve.Rule(i)}})
		service.Method = append(service.Method, &descriptorpb.MethodDescriptorProto{
			Name: proto.String(fmt.Sprintf("GetPart%d", i)), InputType: proto.String(".things.v1.Part"), OutputType: proto.String(".things.v1.Part"), Options: options,
		})
	}
	return &descriptorpb.FileDescriptorProto{
		Name: proto.String("things/v1/things.proto"), Package: proto.String("things.v1"), Syntax: proto.String("proto3"),
		Dependency:  []string{"google/api/annotations.proto"},
		MessageType: []*descriptorpb.DescriptorProto{{Name: proto.String("Part"), Field: []*descriptorpb.FieldDescriptorProto{text("thing", 1), text("part", 2)}}},
		Service:     []*descriptorpb.ServiceDescriptorProto{service},
	}
}
