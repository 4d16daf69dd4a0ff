package core

import (
	"errors"
	"testing"
	"time"
)

func TestACopyIsAnUploadFromAVersion(t *testing.T) {
	asset := &Asset{Node: Node{ID: AssetID{15: 1}, OrgID: OrgID{15: 2}, DriveID: DriveID{15: 3}, Name: "b.txt", CreatedBy: AccountID{15: 4}}}
	of := &Version{BlobKey: "o/a/1", ContentType: "text/plain", SizeBytes: 5, SHA256: []byte("sum"), Number: 7}
	times := UploadTimes{URL: time.Minute, Single: time.Hour, Multipart: 24 * time.Hour}
	u := NewCopy(UploadID{15: 9}, of, asset, times, then)
	if u.SourceKey != of.BlobKey || u.BlobKey != BlobKey(asset.OrgID, asset.ID, 1, "b.txt") || u.BlobKey == of.BlobKey || u.Strategy != UploadCopy ||
		u.SizeBytes != 5 || string(u.SHA256) != "sum" || u.Number != 1 || u.DriveID != asset.DriveID || u.AssetID != asset.ID || u.CreatedBy != asset.CreatedBy {
		t.Errorf("%+v", u)
	}
	if !u.ExpiresAt.Equal(then.Add(24*time.Hour)) || !u.CheckAt.Equal(then.Add(time.Minute)) {
		t.Errorf("looked after at %v, until %v", u.CheckAt, u.ExpiresAt)
	}
	if v := u.Finished([]byte("sum"), then); v.BlobKey != u.BlobKey || v.Number != 1 || v.SizeBytes != 5 || v.ContentType != "text/plain" {
		t.Errorf("%+v", v)
	}
}

func TestCheckRoom(t *testing.T) {
	limits := Limits{MaxAssets: 10, MaxTotalStorageMB: 2, MaxUploadSizeMB: 1}
	usage := OrgUsage{UsedBytes: MB, AssetsCount: 8}
	for _, c := range []struct {
		size, files, quota, used int64
		limit                    string
	}{
		{MB, 2, Unlimited, 0, ""},
		{MB, 2, MB, 0, ""},
		{0, 0, 0, 0, ""},
		{1, 3, Unlimited, 0, "max_assets_count"},
		{MB + 1, 1, Unlimited, 0, "max_total_storage_mb"},
		{2, 1, 10, 9, "quota_bytes"},
		{1, 1, 10, 9, ""},
		{1, 1, 0, 0, "quota_bytes"},
	} {
		err := CheckRoom(limits, usage, c.size, c.files, c.quota, c.used)
		e, _ := errors.AsType[*Error](err)
		if (c.limit == "") != (err == nil) || e != nil && (e.Code != "limit_exceeded" || e.Details["limit"] != c.limit) {
			t.Errorf("%+v: %v %v", c, err, e)
		}
	}
	if err := CheckRoom(UnlimitedLicense().Limits, usage, 1<<60, 1<<40, Unlimited, 1<<60); err != nil {
		t.Error(err)
	}
	if CheckUploadSize(limits, MB) != nil || CheckUploadSize(limits, MB+1) == nil {
		t.Error("one file's size")
	}
}
