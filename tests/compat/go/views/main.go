// Views, read by franz-go: what the harness put into them is written in src/views.rs. It prints one JSON line a case.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand"
	"os"
	"reflect"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

const (
	count     = 3000
	firstMs   = 1_700_000_000_000
	caseLimit = 60 * time.Second
)

var kept = []int64{250, 750, 1250, 1750, 2250, 2750}

func main() {
	run("what the view keeps, at its own offsets", func(ctx context.Context) error { return keeps(ctx, "views-few", "keep") })
	run("a view over a view", func(ctx context.Context) error { return keeps(ctx, "views-capitals", "KEEP") })
	run("a reader comes to the end of what is left out", leftOut)
	run("a group commits in a view, and goes on", group)
	run("offsets and times of a view are its source's", offsets)
	run("what comes while a reader waits", live)
}

func run(name string, body func(context.Context) error) {
	ctx, cancel := context.WithTimeout(context.Background(), caseLimit)
	defer cancel()
	result := map[string]any{"case": "franz-go: " + name, "ok": true, "detail": ""}
	if err := body(ctx); err != nil {
		result["ok"], result["detail"] = false, err.Error()
	}
	line, _ := json.Marshal(result)
	fmt.Println(string(line))
}

func unique(prefix string) string { return fmt.Sprintf("%s-%016x", prefix, rand.Uint64()) }

func connect(options ...kgo.Opt) (*kgo.Client, error) {
	return kgo.NewClient(append(options, kgo.SeedBrokers(os.Getenv("BOOTSTRAP")))...)
}

// fromStart reads one partition of a topic from its beginning, without a group.
func fromStart(topic string) (*kgo.Client, error) {
	start := map[string]map[int32]kgo.Offset{topic: {0: kgo.NewOffset().AtStart()}}
	return connect(kgo.ConsumePartitions(start), kgo.FetchMaxWait(200*time.Millisecond), kgo.KeepControlRecords())
}

func read(ctx context.Context, client *kgo.Client, wanted int) ([]*kgo.Record, error) {
	var found []*kgo.Record
	for len(found) < wanted {
		fetches := client.PollRecords(ctx, wanted-len(found))
		if err := fetches.Err(); err != nil {
			return nil, fmt.Errorf("after %d records: %w", len(found), err)
		}
		found = append(found, fetches.Records()...)
	}
	return found, nil
}

func equal(found, wanted any) error {
	if !reflect.DeepEqual(found, wanted) {
		return fmt.Errorf("wanted %v, found %v", wanted, found)
	}
	return nil
}

func offsetsOf(records []*kgo.Record) []int64 {
	var offsets []int64
	for _, record := range records {
		offsets = append(offsets, record.Offset)
	}
	return offsets
}

func keeps(ctx context.Context, view, word string) error {
	client, err := fromStart(view)
	if err != nil {
		return err
	}
	defer client.Close()
	found, err := read(ctx, client, len(kept))
	if err != nil {
		return err
	}
	for _, record := range found {
		if err := equal(string(record.Value), fmt.Sprintf("%s %d", word, record.Offset)); err != nil {
			return err
		}
	}
	return equal(offsetsOf(found), kept)
}

// A fetch from each place that the server sends the reader to must come to the end, without a record on the way.
func leftOut(ctx context.Context) error {
	client, err := connect()
	if err != nil {
		return err
	}
	defer client.Close()
	next := int64(0)
	for next < count {
		response, err := fetch(ctx, client, "views-none", next)
		if err != nil {
			return err
		}
		if response.HighWatermark != count {
			return fmt.Errorf("the high watermark is %d", response.HighWatermark)
		}
		var records int32
		records, next, err = batches(response.RecordBatches, next)
		if err != nil {
			return err
		}
		if records != 0 {
			return fmt.Errorf("%d records before offset %d", records, next)
		}
		if ctx.Err() != nil {
			return fmt.Errorf("came to %d only: %w", next, ctx.Err())
		}
	}
	return equal(next, int64(count))
}

func fetch(ctx context.Context, client *kgo.Client, topic string, offset int64) (*kmsg.FetchResponseTopicPartition, error) {
	partition := kmsg.NewFetchRequestTopicPartition()
	partition.FetchOffset, partition.PartitionMaxBytes, partition.CurrentLeaderEpoch = offset, 1<<20, -1
	asked := kmsg.NewFetchRequestTopic()
	asked.Topic = topic
	asked.Partitions = append(asked.Partitions, partition)
	request := kmsg.NewPtrFetchRequest()
	request.MaxWaitMillis, request.MinBytes, request.MaxBytes = 200, 1, 1<<20
	request.Topics = append(request.Topics, asked)
	request.SessionEpoch = -1
	// By name: topic ids came with version 13.
	versioned, err := connect(kgo.MaxVersions(versions(12)))
	if err != nil {
		return nil, err
	}
	defer versioned.Close()
	response, err := request.RequestWith(ctx, versioned)
	if err != nil {
		return nil, err
	}
	if len(response.Topics) != 1 || len(response.Topics[0].Partitions) != 1 {
		return nil, fmt.Errorf("asked for a partition, found %v", response.Topics)
	}
	found := response.Topics[0].Partitions[0]
	if found.ErrorCode != 0 {
		return nil, fmt.Errorf("error %d", found.ErrorCode)
	}
	return &found, nil
}

// batches counts the records, and says where a reader goes on.
func batches(bytes []byte, next int64) (int32, int64, error) {
	var records int32
	for len(bytes) > 0 {
		var batch kmsg.RecordBatch
		if err := batch.ReadFrom(bytes); err != nil {
			return 0, 0, err
		}
		// A control batch leads over what is left out, and holds nothing for readers.
		if batch.Attributes&0x20 == 0 {
			records += batch.NumRecords
		}
		next = batch.FirstOffset + int64(batch.LastOffsetDelta) + 1
		bytes = bytes[12+batch.Length:]
	}
	return records, next, nil
}

func group(ctx context.Context) error {
	name := unique("views")
	join := func() (*kgo.Client, error) {
		start := kgo.ConsumeResetOffset(kgo.NewOffset().AtStart())
		return connect(kgo.ConsumerGroup(name), kgo.ConsumeTopics("views-few"), start, kgo.DisableAutoCommit())
	}
	first, err := join()
	if err != nil {
		return err
	}
	found, err := read(ctx, first, 3)
	if err == nil {
		err = first.CommitRecords(ctx, found...)
	}
	first.Close()
	if err != nil {
		return err
	}
	if err := equal(offsetsOf(found), kept[:3]); err != nil {
		return err
	}
	second, err := join()
	if err != nil {
		return err
	}
	defer second.Close()
	found, err = read(ctx, second, 3)
	if err != nil {
		return err
	}
	return equal(offsetsOf(found), kept[3:])
}

func offsets(ctx context.Context) error {
	client, err := connect()
	if err != nil {
		return err
	}
	defer client.Close()
	for _, ask := range []struct{ time, wanted int64 }{{-2, 0}, {-1, count}, {firstMs + 41_500, 42}} {
		partition := kmsg.NewListOffsetsRequestTopicPartition()
		partition.Timestamp = ask.time
		topic := kmsg.NewListOffsetsRequestTopic()
		topic.Topic = "views-few"
		topic.Partitions = append(topic.Partitions, partition)
		request := kmsg.NewPtrListOffsetsRequest()
		request.Topics = append(request.Topics, topic)
		response, err := request.RequestWith(ctx, client)
		if err != nil {
			return err
		}
		if err := equal(response.Topics[0].Partitions[0].Offset, ask.wanted); err != nil {
			return err
		}
	}
	return nil
}

func live(ctx context.Context) error {
	marker := unique("keep")
	reader, err := fromStart("views-live-few")
	if err != nil {
		return err
	}
	defer reader.Close()
	writer, err := connect(kgo.DefaultProduceTopic("views-live"))
	if err != nil {
		return err
	}
	defer writer.Close()
	for n := range 401 {
		value := "drop"
		if n == 200 {
			value = marker
		}
		writer.Produce(ctx, kgo.StringRecord(value), nil)
	}
	if err := writer.Flush(ctx); err != nil {
		return err
	}
	for {
		found, err := read(ctx, reader, 1)
		if err != nil {
			return err
		}
		value := string(found[0].Value)
		if !strings.HasPrefix(value, "keep") {
			return fmt.Errorf("%q was to be left out", value)
		}
		if value == marker {
			return nil
		}
	}
}
