package main

import (
	"github.com/go-openapi/swag"
	"github.com/goharbor/go-client/pkg/sdk/v2.0/client/user"
	"github.com/goharbor/go-client/pkg/sdk/v2.0/client/usergroup"
	"github.com/goharbor/go-client/pkg/sdk/v2.0/models"
)

const password = "Correct-horse-7"

// people makes and changes a user and a group.
func people(t *tour) {
	api := t.api.User
	me := ok(api.GetCurrentUserInfo(t.ctx, user.NewGetCurrentUserInfoParams())).Payload
	expect(me.SysadminFlag, "the walk needs an administrator")
	ok(api.GetCurrentUserPermissions(t.ctx, user.NewGetCurrentUserPermissionsParams().WithScope(swag.String("/project/1")).WithRelative(swag.Bool(true))))
	made := ok(api.CreateUser(t.ctx, user.NewCreateUserParams().WithUserReq(&models.UserCreationReq{
		Username: "walker", Realname: "Walker", Email: "walker@example.org", Password: password, Comment: "walks",
	})))
	id := idOf(made.Location)
	expect(ok(api.GetUser(t.ctx, user.NewGetUserParams().WithUserID(id))).Payload.Username == "walker", "another user")
	all := ok(api.ListUsers(t.ctx, user.NewListUsersParams().WithQ(swag.String("username=~walk"))))
	expect(len(all.Payload) == 1 && all.XTotalCount == 1, "%d users", all.XTotalCount)
	expect(len(ok(api.SearchUsers(t.ctx, user.NewSearchUsersParams().WithUsername("walker"))).Payload) == 1, "not found")
	ok(api.UpdateUserProfile(t.ctx, user.NewUpdateUserProfileParams().WithUserID(id).WithProfile(&models.UserProfile{Realname: "W.", Email: "w@example.org"})))
	// The client leaves out what is false.
	for _, flag := range []bool{true, false} {
		ok(api.SetUserSysAdmin(t.ctx, user.NewSetUserSysAdminParams().WithUserID(id).WithSysadminFlag(&models.UserSysAdminFlag{SysadminFlag: flag})))
		expect(ok(api.GetUser(t.ctx, user.NewGetUserParams().WithUserID(id))).Payload.SysadminFlag == flag, "sysadmin: %v", flag)
	}
	theirs := t.as("walker", password)
	ok(theirs.User.UpdateUserPassword(t.ctx, user.NewUpdateUserPasswordParams().WithUserID(id).WithPassword(&models.PasswordReq{OldPassword: password, NewPassword: password + "8"})))
	_, err := theirs.User.GetCurrentUserInfo(t.ctx, user.NewGetCurrentUserInfoParams())
	expect(err != nil, "the old password is taken")
	ok(t.as("walker", password+"8").User.GetCurrentUserInfo(t.ctx, user.NewGetCurrentUserInfoParams()))
	ok(api.DeleteUser(t.ctx, user.NewDeleteUserParams().WithUserID(id)))

	groups := t.api.Usergroup
	group := idOf(ok(groups.CreateUserGroup(t.ctx, usergroup.NewCreateUserGroupParams().WithUsergroup(&models.UserGroup{GroupName: "walkers", GroupType: 3}))).Location)
	ok(groups.GetUserGroup(t.ctx, usergroup.NewGetUserGroupParams().WithGroupID(group)))
	ok(groups.UpdateUserGroup(t.ctx, usergroup.NewUpdateUserGroupParams().WithGroupID(group).WithUsergroup(&models.UserGroup{GroupName: "hikers", GroupType: 3})))
	expect(len(ok(groups.ListUserGroups(t.ctx, usergroup.NewListUserGroupsParams())).Payload) == 1, "groups")
	expect(len(ok(groups.SearchUserGroups(t.ctx, usergroup.NewSearchUserGroupsParams().WithGroupname("hike"))).Payload) == 1, "not found")
	ok(groups.DeleteUserGroup(t.ctx, usergroup.NewDeleteUserGroupParams().WithGroupID(group)))
}
